import { type CaCapacity, measureCapacity } from './measure-capacity.ts';
import type { Row } from './rows.ts';
import type { BenchContext } from './section.ts';
import { type IssuedAt, simulateFleet } from './simulate-fleet.ts';

const AGENTS = 10_000;
const CONCURRENCY = 16;
const JITTER_RATIO = 0.02;
/** The default of a Mesh. */
const REQUEST_TIMEOUT_MS = 10_000;
const SEED = 20_260_101;
const PERIODS = 10;
const LONGEST_START_MS = 3_600_000;
/**
 * Of a period, in which each agent rotates once: a window has 100 issues in the mean. Those of a fleet that is spread evenly
 * differ so much by chance that the peak is about 1.3x.
 */
const WINDOWS_PER_PERIOD = 100;
const LIFETIMES = { 'a day': 86_400_000, 'an hour': 3_600_000 };

/** Agents that start together, simulated before a CA as fast as the real Vault is here and now. */
export async function benchFleet({ quick, say, vaultSetting }: BenchContext): Promise<Row[]> {
  const setting = await vaultSetting();
  const seconds = quick ? 3 : 20;
  say(`fleet: capacity of Vault, ${seconds} s`);
  const ca = await measureCapacity(setting, CONCURRENCY, seconds);
  say(`fleet: ${AGENTS} agents`);
  return [
    { what: `Vault: ${CONCURRENCY} logins and issues at a time`, unit: '/s', meshcert: ca.issuesPerSecond },
    ...simulateStart(ca, false),
    ...simulateStart(ca, true),
    ...Object.keys(LIFETIMES).flatMap((life) => simulateRotations(ca, life as keyof typeof LIFETIMES, true)),
    ...simulateRotations(ca, 'a day', false),
  ];
}

/** Infinite: not all had a certificate within an hour. */
function simulateStart(ca: CaCapacity, worksInVain: boolean): Row[] {
  const options = {
    ...fleetOptions(ca),
    lifetimeMs: LIFETIMES['a day'],
    spreads: true,
    worksInVain,
    untilMs: LONGEST_START_MS,
  };
  const { issued, givenUp } = simulateFleet(options);
  const lastAtMs = issued.length < AGENTS ? Number.POSITIVE_INFINITY : (issued[AGENTS - 1]?.atMs ?? Number.NaN);
  const what = `${AGENTS} start before a CA that ${worksInVain ? 'works on' : 'drops'} what is given up`;
  const against = { name: 'without a pause', figure: AGENTS / ca.issuesPerSecond };
  return [
    { what: `${what}: all have a certificate`, unit: 's', meshcert: lastAtMs / 1000, against },
    { what: `${what}: requests given up`, unit: '', meshcert: givenUp },
  ];
}

function simulateRotations(ca: CaCapacity, life: keyof typeof LIFETIMES, spreads: boolean): Row[] {
  const lifetimeMs = LIFETIMES[life];
  const periodMs = lifetimeMs * (4 / 5 + JITTER_RATIO / 2);
  const untilMs = periodMs * (PERIODS + 3);
  // However the start went: nobody gives up.
  const patience = { requestTimeoutMs: Number.POSITIVE_INFINITY, worksInVain: false };
  const { issued } = simulateFleet({ ...fleetOptions(ca), ...patience, lifetimeMs, spreads, untilMs });
  const fromMs = issued.find(({ rotation }) => rotation === 2)?.atMs ?? Number.NaN;
  const later = issued.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + PERIODS * periodMs);
  const windowMs = periodMs / WINDOWS_PER_PERIOD;
  const kind = `certificates of ${life}${spreads ? '' : ', spread: false'}`;
  const what = `${AGENTS} with ${kind}, from the second rotation on`;
  return [
    {
      what: `${what}: peak of issues`,
      unit: '/s',
      meshcert: (1000 * findPeak(later, fromMs, windowMs)) / windowMs,
      against: { name: 'mean', figure: (1000 * later.length) / (PERIODS * periodMs) },
    },
    {
      what: `${what}: busiest second`,
      unit: '/s',
      meshcert: findPeak(later, fromMs, 1000),
      against: { name: 'capacity of Vault', figure: ca.issuesPerSecond },
    },
  ];
}

function fleetOptions(ca: CaCapacity) {
  const random = makeRandom(SEED);
  return { agents: AGENTS, jitterRatio: JITTER_RATIO, requestTimeoutMs: REQUEST_TIMEOUT_MS, ca, random };
}

/** The most in one window; the windows lie side by side. */
function findPeak(issued: readonly IssuedAt[], fromMs: number, windowMs: number): number {
  const counts = new Map<number, number>();
  for (const { atMs } of issued) {
    const window = Math.floor((atMs - fromMs) / windowMs);
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  return counts.values().reduce((most, count) => Math.max(most, count), 0);
}

/** Mulberry32: the same numbers in each run. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
