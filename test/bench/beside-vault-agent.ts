/**
 * Beside Vault Agent, in turns, on the same Vault with the same login.
 *
 * @module
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../helpers/free-port.ts';
import { type Contender, prepareMeshcert, prepareVaultAgent } from './contenders.ts';
import { measureFootprint, measureIdle, measureStart } from './measure.ts';
import { percentile, type Row } from './rows.ts';
import type { BenchContext } from './section.ts';

const ROTATIONS = 3;

export async function benchStart(context: BenchContext): Promise<Row[]> {
  const pairs = await inTurns(
    context,
    { what: 'start', times: context.quick ? 7 : 25, ttlSeconds: 3600 },
    measureStart,
  );
  const what = 'process start to certificate on the volume';
  return [compare(`${what}, median`, 'ms', pairs, 0.5), compare(`${what}, p90`, 'ms', pairs, 0.9)];
}

export async function benchMemory(context: BenchContext): Promise<Row[]> {
  const turns = { what: 'memory', times: context.quick ? 1 : 3, ttlSeconds: 8 };
  const pairs = await inTurns(context, turns, (contender) => measureFootprint(contender, ROTATIONS));
  const pick = (key: 'anonymousMb' | 'residentMb') =>
    pairs.map(({ vaultAgent, meshcert }) => ({ vaultAgent: vaultAgent[key], meshcert: meshcert[key] }));
  return [
    compare(`anonymous memory after ${ROTATIONS} rotations`, 'MB', pick('anonymousMb'), 0.5),
    compare(`resident memory after ${ROTATIONS} rotations`, 'MB', pick('residentMb'), 0.5),
  ];
}

export async function benchIdle(context: BenchContext): Promise<Row[]> {
  // A process that has just begun still tidies up.
  const { settleSeconds, idleSeconds } = context.quick
    ? { settleSeconds: 5, idleSeconds: 10 }
    : { settleSeconds: 30, idleSeconds: 60 };
  const pairs = await inTurns(context, { what: 'idle', times: 1, ttlSeconds: 3600 }, (contender) =>
    measureIdle(contender, settleSeconds, idleSeconds),
  );
  return [compare('idle, CPU of one core', '%', pairs, 0.5)];
}

interface Pair<T> {
  readonly vaultAgent: T;
  readonly meshcert: T;
}

interface Turns {
  readonly what: string;
  readonly times: number;
  readonly ttlSeconds: number;
}

/** One of each, again and again. */
async function inTurns<T>(
  { directory, program, say, vaultSetting }: BenchContext,
  { what, times, ttlSeconds }: Turns,
  measure: (contender: Contender) => Promise<T>,
): Promise<Pair<T>[]> {
  const base = join(directory, what);
  mkdirSync(base);
  const setting = { ...(await vaultSetting()), ttlSeconds };
  const vaultAgent = prepareVaultAgent(join(base, 'vault-agent'), setting);
  const own = { program, directory: join(base, 'meshcert'), metricsPort: await freePort() };
  const meshcert = prepareMeshcert(own, setting);
  const pairs: Pair<T>[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    say(`${what}: ${turn + 1} of ${times}`);
    pairs.push({ vaultAgent: await measure(vaultAgent), meshcert: await measure(meshcert) });
  }
  return pairs;
}

function compare(what: string, unit: string, pairs: readonly Pair<number>[], share: number): Row {
  const read = (side: keyof Pair<number>) => pairs.map((pair) => pair[side]);
  const figure = percentile(read('vaultAgent'), share);
  return { what, unit, meshcert: percentile(read('meshcert'), share), against: { name: 'Vault Agent', figure } };
}
