import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../helpers/eventually.ts';
import type { Contender } from './contenders.ts';

/** A clean slate: what the run before left is removed. */
function start(contender: Contender): ChildProcess {
  rmSync(contender.certificateFile, { force: true });
  if (contender.name === 'meshcert') rmSync(dirname(contender.certificateFile), { recursive: true, force: true });
  return spawn(contender.command, contender.args, {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: '/nonexistent' },
  });
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null) child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}

function hasCertificate(file: string): boolean {
  try {
    return statSync(file).size > 0;
  } catch {
    return false;
  }
}

/** What the run before set in motion (a token to revoke, a process to bury) is over after this time. */
const SETTLE_MS = 500;

/** Milliseconds from the start of the process to the certificate on the volume. */
export async function measureStart(contender: Contender): Promise<number> {
  await wait(SETTLE_MS);
  const startMs = performance.now();
  const child = start(contender);
  try {
    while (!hasCertificate(contender.certificateFile)) {
      if (performance.now() - startMs > 20_000) throw new Error(`${contender.name} wrote no certificate in 20 s`);
      await wait(1);
    }
    return performance.now() - startMs;
  } finally {
    await stop(child);
  }
}

export interface Footprint {
  readonly anonymousMb: number;
  readonly residentMb: number;
}

/**
 * Memory after so many rotations.
 *
 * @param attach called when it has its first certificate; what it opens is there until the end.
 */
export async function measureFootprint(
  contender: Contender,
  rotations: number,
  attach: () => unknown = () => undefined,
): Promise<Footprint> {
  const child = start(contender);
  try {
    let last = '';
    for (let count = 0; count <= rotations; count += 1) {
      last = await eventually(
        `${contender.name} has written certificate ${count + 1}`,
        () => {
          const text = hasCertificate(contender.certificateFile) ? readFileSync(contender.certificateFile, 'utf8') : '';
          return text.includes('END CERTIFICATE') && text !== last && text;
        },
        { timeoutMs: 60_000 },
      );
      await scrape(contender);
      if (count === 0) await attach();
    }
    return readMemory(child.pid ?? 0);
  } finally {
    await stop(child);
  }
}

/** It answers somewhat later than it writes its first certificate. */
async function scrape({ name, metricsUrl }: Contender): Promise<void> {
  if (metricsUrl !== undefined) await eventually(`${name} is scraped`, async () => (await fetch(metricsUrl)).text());
}

/** CPU of a process that has nothing to do. @returns percent of one core */
export async function measureIdle(contender: Contender, settleSeconds: number, idleSeconds: number): Promise<number> {
  const child = start(contender);
  try {
    await eventually(`${contender.name} has written a certificate`, () => hasCertificate(contender.certificateFile), {
      timeoutMs: 20_000,
    });
    await wait(settleSeconds * 1000);
    const before = readCpuSeconds(child.pid ?? 0);
    const startMs = performance.now();
    await wait(idleSeconds * 1000);
    return ((readCpuSeconds(child.pid ?? 0) - before) / ((performance.now() - startMs) / 1000)) * 100;
  } finally {
    await stop(child);
  }
}

function readMemory(pid: number): { anonymousMb: number; residentMb: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024;
  return { anonymousMb: read('Anonymous'), residentMb: read('Rss') };
}

/** Of all threads, from the scheduler's own count in nanoseconds: ticks of 10 ms would hide an idle process. */
function readCpuSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map(
    (thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0],
  );
  return nanoseconds.reduce((sum, one) => sum + Number(one), 0) / 1e9;
}
