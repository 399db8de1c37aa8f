import { once } from 'node:events';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import t from 'tap';
import { startAgent, writeConfiguration } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import { readWithOpenssl } from '../helpers/openssl.ts';
import { startProcess } from '../helpers/process.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const mesh = renderBuiltinMesh('1h');

async function listen(server: Server): Promise<number> {
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A script that notes each run: generation, and the serial number that openssl reads in the file that it is told. */
function writeScript(directory: string) {
  const path = join(directory, 'note.sh');
  const notes = join(directory, 'notes');
  const lines = [
    '#!/bin/sh',
    'set -e',
    'echo "$MESHCERT_GENERATION $(openssl x509 -in "$MESHCERT_CERT_FILE" -noout -serial)" >> "$1"',
    'openssl x509 -in "$MESHCERT_CERT_FILE" -noout -pubkey > "$1.pub"',
    'openssl pkey -in "$MESHCERT_KEY_FILE" -pubout | cmp - "$1.pub"',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  writeFileSync(notes, '');
  return { argv: `[${path}, ${notes}]`, notes: () => readFileSync(notes, 'utf8').trim().split('\n') };
}

t.test(
  'hooks of all kinds act on each generation, one that fails harms nothing, and what is served is known',
  async (t) => {
    const directory = temporaryDirectory(t);
    const identity = join(directory, 'identity');
    const { argv, notes } = writeScript(directory);

    // A program that reads its files when it is asked to over HTTP, and one that never does.
    const read = (name: string) => readFileSync(join(identity, '..data', name));
    const maker = await openGenerationMaker();
    const { chain, privateKey } = await maker.make();
    const [leaf] = chain;
    const fixed = {
      cert: `-----BEGIN CERTIFICATE-----\n${leaf.toString('base64')}\n-----END CERTIFICATE-----\n`,
      key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    };
    const reloading = createTlsServer(fixed);
    const stubborn = createTlsServer(fixed);
    for (const server of [reloading, stubborn]) {
      server.on('secureConnection', (socket) => void socket.on('error', () => {}).resume());
    }
    const asked: string[] = [];
    const app = createHttpServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      reloading.setSecureContext({ cert: read('tls.crt'), key: read('tls.key') });
      response.writeHead(204).end();
    });
    const [reloadingPort, stubbornPort, appPort] = [await listen(reloading), await listen(stubborn), await listen(app)];

    const pidFile = join(directory, 'program.pid');
    const code =
      'import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"usr1\\n"))\nos.write(1, b"up\\n")\nwhile True: signal.pause()';
    const program = await startProcess({ name: 'program', command: 'python3', args: ['-c', code], directory });
    await eventually('the program is up', () => program.output().includes('up'));
    writeFileSync(pidFile, `${program.pid}\n`);

    const agent = await startAgent({
      directory,
      mesh,
      deliver: `{
  files: [{directory: ${identity}}, {directory: ${identity}-2}],
  hooks: [
    {exec: ${argv}},
    {signal: SIGUSR1, pidFile: ${pidFile}, process: python3},
    {http: {url: "http://127.0.0.1:${appPort}/reload"}},
    {name: fails, exec: ["false"]},
    {name: absent, http: {url: "http://127.0.0.1:${await freePort()}"}},
  ],
  verify: [{tls: "127.0.0.1:${reloadingPort}"}, {tls: "127.0.0.1:${stubbornPort}", within: 300ms}],
}`,
    });
    t.teardown(async () => {
      await agent.stop();
      await program.stop();
    });
    await agent.waitReady();

    for (const generation of [1, 2]) {
      if (generation > 1) t.equal((await agent.rotate()).status, 200, 'a hook that fails keeps nobody from rotating');
      const { serialNumber } = await readWithOpenssl(readFileSync(join(identity, 'tls.crt'), 'utf8'));
      await eventually(`the script ran for ${generation}`, () =>
        notes().includes(`${generation} serial=${serialNumber}`),
      );
      await eventually(
        `the signal came for ${generation}`,
        () => program.output().match(/usr1/g)?.length === generation,
      );
      await eventually(`the request came for ${generation}`, () => asked.length === generation);
      const name = `tls:127.0.0.1:${reloadingPort}`;
      await eventually(`${generation} is known to be served`, async () => {
        const { served = [] } = await agent.status();
        return served.some((one) => one.name === name && one.generation === generation);
      });
      await eventually(`${generation} is known not to be served by the other`, () => {
        const late = agent
          .log()
          .filter(({ level, target }) => level === 'warn' && target === `tls:127.0.0.1:${stubbornPort}`);
        return late.some((line) => line.generation === generation);
      });
    }
    t.equal(notes().length, 2, 'once each');
    t.same(asked, ['POST /reload', 'POST /reload']);

    const status = await agent.status();
    t.equal(status.ready, true, 'ready all the while');
    t.equal((await agent.probe('/readyz')).status, 200);
    t.equal(status.regenerations, 2, 'no failure asked for another certificate');
    t.match(status.hooks, [
      { name: 'hook:note.sh', generation: 2 },
      { name: 'hook:python3', generation: 2 },
      { name: `hook:127.0.0.1:${appPort}`, generation: 2 },
      { name: 'hook:fails', generation: 0, failing: /^hook:fails failed: ended with exit code 1;/ },
      { name: 'hook:absent', generation: 0, failing: /connection refused/ },
    ]);
    t.match(status.served, [
      { name: `tls:127.0.0.1:${reloadingPort}`, generation: 2 },
      { name: `tls:127.0.0.1:${stubbornPort}`, generation: 0, failing: /is not served within 0\.3 s: it serves/ },
    ]);
    t.match(status.lastError, { code: 'ERR_DELIVERY' });
    t.same(
      status.deliveries.map(({ generation }) => generation),
      [2, 2],
    );

    const metrics = await agent.metrics();
    const sample = (name: string) => metrics.get(name) ?? Number.NaN;
    t.equal(sample('meshcert_delivered_generation{delivery="hook:note.sh"}'), 2);
    t.equal(sample('meshcert_delivery_duration_seconds_count{delivery="hook:note.sh"}'), 2);
    t.ok(sample('meshcert_delivery_failures_total{delivery="hook:fails"}') >= 2, 'it is tried for each generation');
    t.equal(sample(`meshcert_served_generation{target="tls:127.0.0.1:${reloadingPort}"}`), 2);
    t.equal(sample(`meshcert_served_duration_seconds_count{target="tls:127.0.0.1:${reloadingPort}"}`), 2);
    t.equal(sample(`meshcert_served_late_total{target="tls:127.0.0.1:${reloadingPort}"}`), 0);
    t.equal(sample(`meshcert_served_generation{target="tls:127.0.0.1:${stubbornPort}"}`), 0);
    t.equal(sample(`meshcert_served_late_total{target="tls:127.0.0.1:${stubbornPort}"}`), 2);
  },
);

t.test('hooks wait until each directory has the files', async (t) => {
  const directory = temporaryDirectory(t);
  const [first, second, notes] = ['first', 'second', 'notes'].map((name) => join(directory, name));
  writeFileSync(second ?? '', 'in the way');
  const agent = await startAgent({
    directory,
    mesh,
    deliver: `{
  files: [{directory: ${first}}, {directory: ${second}}],
  hooks: [{exec: [sh, -c, "ls ${second}/tls.crt >> ${notes} 2>&1"]}],
}`,
  });
  t.teardown(() => agent.stop());
  const deliveries = async () => (await agent.status()).deliveries;
  await eventually('one of two has them', async () => (await deliveries())[0]?.generation === 1);
  await eventually('the other says why it does not', async () => (await deliveries())[1]?.failing);
  rmSync(second ?? '');
  await eventually('the hook has run', async () => (await agent.status()).hooks?.[0]?.generation === 1);
  t.equal(readFileSync(notes ?? '', 'utf8'), `${second}/tls.crt\n`, 'once, and it found them');
});

t.test('run --once ends after its hooks, and a hook that fails is no failure of it', async (t) => {
  const directory = temporaryDirectory(t);
  const { argv, notes } = writeScript(directory);
  const deliver = `{files: [{directory: ${join(directory, 'identity')}}], hooks: [{exec: [sh, -c, "sleep 0.5; exec $0 $@", *ARGS]}, {exec: ["false"]}]}`;
  const hooks = deliver.replace('*ARGS', argv.slice(1, -1));
  const { configFile } = writeConfiguration({ directory, mesh, deliver: hooks });
  const { code, stderr } = await runMeshcert(['run', '--once', '-c', configFile], { directory });
  t.equal(code, 0);
  t.match(notes(), [/^1 serial=/]);
  t.match(stderr, /hook:false failed: ended with exit code 1/);
});

t.test('an agent that is told to stop waits for no hook', async (t) => {
  const directory = temporaryDirectory(t);
  const started = join(directory, 'started');
  const deliver = `{files: [{directory: ${join(directory, 'identity')}}], hooks: [{exec: [sh, -c, "echo > ${started}; sleep 60"], timeout: 60s}]}`;
  const agent = await startAgent({ directory, mesh, deliver });
  t.teardown(() => agent.stop());
  await eventually('the hook has begun', () => readFileSync(started, 'utf8') === '\n');
  t.match(await agent.stop(), { code: 0, signal: null }, 'by SIGTERM, as nothing had to be killed');
});
