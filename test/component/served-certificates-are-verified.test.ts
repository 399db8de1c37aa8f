import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { openFiles } from '../../src/delivery/files/files.ts';
import type { VerifyConfig } from '../../src/delivery/verify/config.ts';
import { openTarget } from '../../src/delivery/verify/open-target.ts';
import { watchServed } from '../../src/delivery/verify/watch-served.ts';
import type { Generation } from '../../src/identity/identity.ts';
import { derToPem } from '../../src/identity/pem.ts';
import { openStateStream } from '../../src/store/state-stream.ts';
import { startEnvoy } from '../helpers/envoy.ts';
import { eventually } from '../helpers/eventually.ts';
import { fileSdsEnvoy } from '../helpers/file-sds-envoy.ts';
import { filesConfig, filesOptions } from '../helpers/files-bench.ts';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import { openRecordingLog } from '../helpers/recording-log.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ROTATIONS = 5;

const { make } = await openGenerationMaker();

/** Looks at a target for real, and notes what is found, as short lines. */
function watch(t: Test, config: VerifyConfig) {
  const delivered = openStateStream<Generation | undefined>(undefined);
  const told: string[] = [];
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const observer = {
    served: ({ target, generation }: { target: string; generation: Generation }) =>
      told.push(`${target} serves ${generation.number}`),
    late: ({ target, error }: { target: string; error: { line: string } }) =>
      told.push(`${target} late: ${error.line}`),
  };
  const ports = { clock: systemClock, log: openRecordingLog(), observer };
  void watchServed(openTarget(config), delivered, ports, stop.signal);
  return { told, delivered: (generation: Generation) => delivered.change(generation) };
}

t.test('a real Envoy is seen to serve each generation, at its listener and by its admin', async (t) => {
  const directory = temporaryDirectory(t);
  const identity = join(directory, 'identity');
  const files = openFiles(filesConfig(identity), filesOptions());
  t.teardown(() => files.close());
  await files.prepare();
  const envoy = await startEnvoy({ directory, config: fileSdsEnvoy(identity) });
  t.teardown(() => envoy.stop());
  const port = await envoy.listenerPort('mtls');
  const common = { withinMs: 10_000, alpn: [] };
  const targets = [
    watch(t, { kind: 'tls', name: 'tls', host: '127.0.0.1', port, ...common }),
    watch(t, { kind: 'envoyAdmin', name: 'admin', url: envoy.adminUrl, ...common }),
  ];
  for (let number = 1; number <= ROTATIONS; number += 1) {
    const next = await make({ number, service: 'client' });
    await files.deliver(next);
    for (const { delivered } of targets) delivered(next);
    await eventually(`both are seen to serve ${number}`, () => targets.every(({ told }) => told.length === number));
  }
  t.same(
    targets.map(({ told }) => told.at(-1)),
    [`tls serves ${ROTATIONS}`, `admin serves ${ROTATIONS}`],
  );
  t.equal(
    (await envoy.stats(/ssl\.connection_error$/)).values().reduce((sum, count) => sum + count, 0),
    0,
    'politely',
  );
});

// Stands for a program that does not read its files again. It is all TLS and no application.
t.test('a listener that keeps the old certificate is told of, and noticed when it changes at last', async (t) => {
  const [old, next] = [await make({ number: 1 }), await make({ number: 2 })];
  const pairOf = ({ chain, privateKey }: Generation) => ({
    cert: chain.map((der) => derToPem('CERTIFICATE', der)).join(''),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
  });
  const server = createServer(pairOf(old), (socket) => void socket.on('error', () => {}).resume()).listen(
    0,
    '127.0.0.1',
  );
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { told, delivered } = watch(t, { kind: 'tls', name: 'tls', host: '127.0.0.1', port, withinMs: 200, alpn: [] });
  delivered(old);
  await eventually('the old one is seen', () => told.length === 1);
  delivered(next);
  await eventually('the new one is missed', () => told.length === 2);
  t.match(
    told[1],
    `tls late: tls: generation 2 (${next.serialNumber}) is not served within 0.2 s: it serves ${old.serialNumber};`,
  );
  server.setSecureContext(pairOf(next));
  await eventually('the new one is found', () => told.length === 3);
  t.equal(told[2], 'tls serves 2');
});

t.test('an Envoy whose files stand still is told of by its admin', async (t) => {
  const directory = temporaryDirectory(t);
  const identity = join(directory, 'identity');
  const files = openFiles(filesConfig(identity), filesOptions());
  t.teardown(() => files.close());
  const old = await make({ number: 1 });
  await files.deliver(old);
  const envoy = await startEnvoy({ directory, config: fileSdsEnvoy(identity) });
  t.teardown(() => envoy.stop());
  const { told, delivered } = watch(t, { kind: 'envoyAdmin', name: 'admin', url: envoy.adminUrl, withinMs: 200 });
  delivered(await make({ number: 2 }));
  await eventually('the new one is missed', () => told.length === 1);
  t.match(told[0], `it serves ${old.serialNumber}`);
});
