import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runThroughRestarts } from '../helpers/run-through-restarts.ts';
import type { Row } from './rows.ts';
import type { BenchContext } from './section.ts';
import { withTeardown } from './with-teardown.ts';

/** Two services on SDS that talk while their agents and Envoys are restarted. Quick: closer together, for a minute. */
export async function benchLong({ directory, quick, minutes = quick ? 1 : 10, say }: BenchContext): Promise<Row[]> {
  const own = join(directory, 'long');
  mkdirSync(own);
  say(`restarts: ${minutes} minutes`);
  const options = {
    directory: own,
    secrets: 'sds',
    seconds: minutes * 60,
    rotateEverySeconds: 2,
    restartAgentEverySeconds: quick ? 10 : 30,
    restartEnvoyEverySeconds: quick ? 15 : 45,
  } as const;
  const outcome = await withTeardown((t) => runThroughRestarts(t, options));
  for (const line of outcome.lost) say(line);
  const { requests, refused, reset, lost, rotations, agentRestarts, envoyRestarts } = outcome;
  const during = `${rotations} rotations, ${agentRestarts} agent and ${envoyRestarts} Envoy restarts`;
  return [
    { what: `lost of ${requests} requests: ${during}`, unit: '', meshcert: lost.length },
    { what: 'refused or reset as an Envoy did not listen', unit: '', meshcert: refused + reset },
  ];
}
