/**
 * `node test/bench/push-to-streams.ts [STREAMS] [ROUNDS]`: how long it takes from the hand-over of a generation until every
 * open SDS stream has it. The clients are in a process of their own. Defaults: 1000 streams, 30 rounds.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { openGrpcClient } from '../helpers/grpc-client.ts';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import { makeSdsBench } from '../helpers/sds-bench.ts';
import { readSecret, streamSecrets } from '../helpers/sds-client.ts';

/** What one Envoy opens is far below. */
const STREAMS_PER_CONNECTION = 100;

const [streams = 1000, rounds = 30] = process.argv.slice(2, 4).map(Number);
const socket = process.env.SDS_SOCKET;
if (socket === undefined) await serve();
else subscribe(socket);

/** Tells its parent each time that all streams have the same new certificate. */
function subscribe(path: string): void {
  const held = new Map<string, number>();
  for (let opened = 0, client = openClient(path); opened < streams; opened += 1) {
    if (opened % STREAMS_PER_CONNECTION === STREAMS_PER_CONNECTION - 1) client = openClient(path);
    const stream = streamSecrets(client);
    stream.send({ resourceNames: ['default'] });
    stream.call.on('data', ({ resources: [resource], nonce }) => {
      stream.send({ resourceNames: ['default'], responseNonce: nonce });
      const { serialNumber } = new X509Certificate(readSecret(resource).certificateChain ?? '');
      const count = (held.get(serialNumber) ?? 0) + 1;
      held.set(serialNumber, count);
      if (count === streams) process.send?.(serialNumber);
    });
  }
}

function openClient(path: string) {
  return openGrpcClient({ teardown: () => undefined }, path);
}

async function serve(): Promise<void> {
  const closing: (() => unknown)[] = [];
  const bench = makeSdsBench({ teardown: (close) => void closing.unshift(close as () => unknown) });
  const delivery = await bench.open();
  const maker = await openGenerationMaker();
  const first = await maker.make();
  await delivery.deliver(first);
  const before = process.memoryUsage.rss();
  const clients = fork(import.meta.filename, [String(streams)], { env: { ...process.env, SDS_SOCKET: bench.path } });
  try {
    await once(clients, 'message');
    const perStreamKiB = (process.memoryUsage.rss() - before) / 1024 / streams;
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const next = await maker.make();
      const startMs = performance.now();
      await delivery.deliver(next);
      const [serialNumber] = await once(clients, 'message');
      if (serialNumber !== next.serialNumber) throw new Error(`${serialNumber} was pushed late`);
      tookMs.push(performance.now() - startMs);
    }
    tookMs.sort((a, b) => a - b);
    const share = (part: number) => tookMs[Math.min(rounds - 1, Math.floor(rounds * part))]?.toFixed(1);
    process.stdout.write(
      `push to ${streams} open SDS streams: ${share(0.5)} ms median, ${share(0.99)} ms p99 of ${rounds} rounds; ` +
        `${perStreamKiB.toFixed(1)} KiB a stream\n`,
    );
  } finally {
    clients.kill();
    for (const close of closing) await close();
  }
}
