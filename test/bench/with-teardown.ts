/** The part of a test that helpers register with what is to be closed. */
export interface Teardown {
  teardown(close: () => unknown): void;
}

/** Runs work with helpers for tests, and closes afterwards what they have opened, the last one first. */
export async function withTeardown<T>(work: (t: Teardown) => Promise<T>): Promise<T> {
  const closing: (() => unknown)[] = [];
  try {
    return await work({ teardown: (close) => void closing.unshift(close) });
  } finally {
    for (const close of closing) await close();
  }
}
