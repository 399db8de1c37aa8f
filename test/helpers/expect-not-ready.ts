import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { RunningAgent } from './agent.ts';
import { eventually } from './eventually.ts';

export interface Trouble {
  /** What failed, and why. */
  readonly event: RegExp;
  /** What to do about it. */
  readonly remedy: RegExp;
}

/**
 * The agent has no certificate, says so in one line that names cause and remedy, and goes on trying: alive, not ready,
 * the same at `/readyz` and in its status, never a stack trace.
 */
export async function expectNotReady(t: Test, agent: RunningAgent, { event, remedy }: Trouble): Promise<void> {
  const line = await eventually(`the log says ${event}`, () =>
    agent.log().find((one) => one.level === 'error' && event.test(one.event)),
  ).catch((thrown: Error) => {
    throw new Error(`${thrown.message}\n${agent.output()}`);
  });
  t.match(line, { event, remedy, retryInSeconds: Number });
  // By now it may have tried again, and its words may hold the time.
  const said = () => agent.log().flatMap((one) => (one.level === 'error' ? [`${one.event}; ${one.remedy}`] : []));

  const ready = await agent.probe('/readyz');
  t.equal(ready.status, 503);
  t.ok(
    said().some((text) => ready.text.includes(text)),
    `/readyz says why, and what to do: ${ready.text}`,
  );
  t.equal((await agent.probe('/healthz')).status, 200, 'restarting it would mend nothing');
  const status = await agent.status();
  t.match(status, { ready: false, certificate: undefined, lastError: { retryAt: String } });
  t.ok(said().includes(status.lastError?.line ?? ''), 'so does inspect');
  t.equal(status.ca.state, 'Unknown');
  t.notOk(existsSync(join(agent.identity, 'tls.key')), 'nothing is delivered');
  expectLinesOnly(t, agent);
}

/** What the agent wrote is lines of its log, without a stack trace in any of them. */
export function expectLinesOnly(t: Test, agent: RunningAgent): void {
  const output = agent.output();
  t.same(
    output.split('\n').filter((line) => line !== '' && !/^\{.*\}$/.test(line)),
    [],
    'each event is one line',
  );
  t.notMatch(output, / {4}at |\.js:\d|\.ts:\d|node:internal/, 'no stack trace');
}

/** What was wrong has been mended and, with nobody touching the agent, it has its first certificate. */
export async function expectRecovery(t: Test, agent: RunningAgent): Promise<void> {
  await agent.waitReady(40_000);
  const status = await agent.status();
  t.match(status, { regenerations: 1, agent: { pid: agent.pid }, ca: { state: 'Connected' } }, 'the same process');
  t.ok(existsSync(join(agent.identity, 'tls.key')), 'the certificate is delivered');
  expectLinesOnly(t, agent);
}
