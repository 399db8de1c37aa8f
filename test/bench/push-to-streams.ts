import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import { makeSdsBench } from '../helpers/sds-bench.ts';
import { percentile, type Row } from './rows.ts';
import type { BenchContext } from './section.ts';
import { withTeardown } from './with-teardown.ts';

const STREAMS = 1000;
const SUBSCRIBER = join(import.meta.dirname, 'subscribe-to-secrets.ts');

/** From the hand-over of a generation until every open SDS stream has it, and what a stream costs. */
export function benchPush({ quick, say }: BenchContext): Promise<Row[]> {
  const rounds = quick ? 30 : 300;
  say(`push to ${STREAMS} streams: ${rounds} rounds`);
  return withTeardown(async (t) => {
    const bench = makeSdsBench(t);
    const delivery = await bench.open();
    const maker = await openGenerationMaker();
    await delivery.deliver(await maker.make());
    const before = process.memoryUsage.rss();
    // In a process of their own, as they have as much to do as the service.
    const clients = fork(SUBSCRIBER, [bench.path, String(STREAMS)]);
    t.teardown(() => clients.kill());
    await once(clients, 'message');
    const perStreamKiB = (process.memoryUsage.rss() - before) / 1024 / STREAMS;
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const next = await maker.make();
      const startMs = performance.now();
      await delivery.deliver(next);
      const [serialNumber] = await once(clients, 'message');
      if (serialNumber !== next.serialNumber) throw new Error(`${serialNumber} was pushed late`);
      tookMs.push(performance.now() - startMs);
    }
    const what = `push to ${STREAMS} open SDS streams`;
    return [
      { what: `${what}, median`, unit: 'ms', meshcert: percentile(tookMs, 0.5) },
      { what: `${what}, p99`, unit: 'ms', meshcert: percentile(tookMs, 0.99) },
      { what: 'resident memory of an open SDS stream', unit: 'KiB', meshcert: perStreamKiB },
    ];
  });
}
