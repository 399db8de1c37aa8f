/**
 * Works on one state at a time, the newest: when the next one comes, what is done with the one before is given up and
 * waited for. Ends with the states. Never throws, if the work does not.
 */
export async function followNewest<State>(
  states: AsyncIterable<State>,
  work: (state: State, superseded: AbortSignal) => Promise<void>,
): Promise<void> {
  let superseded = new AbortController();
  let working: Promise<void> = Promise.resolve();
  for await (const state of states) {
    superseded.abort();
    await working;
    superseded = new AbortController();
    working = work(state, superseded.signal);
  }
  superseded.abort();
  await working;
}
