import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import t, { type Test } from 'tap';
import type { TlsTarget } from '../../../../src/delivery/verify/config.ts';
import { lookAtEnvoy } from '../../../../src/delivery/verify/look-at-envoy.ts';
import { lookByTls } from '../../../../src/delivery/verify/look-by-tls.ts';
import type { Generation } from '../../../../src/identity/identity.ts';
import { derToPem } from '../../../../src/identity/pem.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { freePort } from '../../../helpers/free-port.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';
import { startProcess } from '../../../helpers/process.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const { make, root } = await openGenerationMaker();
const [served, ours] = [await make({ service: 'server' }), await make()];
const never = new AbortController().signal;

const pairOf = ({ chain, privateKey }: Generation) => ({
  cert: chain.map((der) => derToPem('CERTIFICATE', der)).join(''),
  key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
});

async function listen(t: Test, server: Server): Promise<number> {
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** @returns the port, and what clients showed. */
async function serveTls(t: Test, options: TlsOptions = {}) {
  const clients: { serialNumber: string | undefined; protocol: string | false | null }[] = [];
  const server = createTlsServer({ ...pairOf(served), ca: derToPem('CERTIFICATE', root.der), ...options }, (socket) => {
    const { serialNumber } = socket.getPeerX509Certificate() ?? {};
    clients.push({ serialNumber, protocol: socket.alpnProtocol });
    socket.on('error', () => undefined);
  });
  return { port: await listen(t, server), clients };
}

const target = (port: number, options: Partial<TlsTarget> = {}): TlsTarget => {
  return { kind: 'tls', name: 'tls', host: '127.0.0.1', port, alpn: [], withinMs: 1, ...options };
};

t.test('a listener that asks for a certificate gets ours, and its own is seen', async (t) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { port, clients } = await serveTls(t, { requestCert: true, rejectUnauthorized: true, maxVersion });
    t.same(await lookByTls(target(port), ours, never), { serialNumbers: [served.serialNumber] }, maxVersion);
    const client = await eventually('the listener has a connection, and no failed handshake', () => clients[0]);
    t.equal(client.serialNumber, ours.serialNumber);
  }
});

t.test('whether it is to be trusted is not the question', async (t) => {
  const stranger = await openGenerationMaker(Date.now() - 7_200_000);
  const expired = await stranger.make({ lifetimeMs: 1_000 });
  const { port } = await serveTls(t, pairOf(expired));
  t.same(await lookByTls(target(port, { host: 'localhost', serverName: 'no.such' }), ours, never), {
    serialNumbers: [expired.serialNumber],
  });
});

// Node's own server lets a client in before it looks at its certificate, so this is openssl's.
t.test('a listener that does not let us in shows its certificate all the same', async (t) => {
  const directory = temporaryDirectory(t);
  const { cert, key } = pairOf(served);
  writeFileSync(join(directory, 'pair'), cert + key);
  writeFileSync(join(directory, 'ca'), derToPem('CERTIFICATE', root.der));
  const stranger = await (await openGenerationMaker()).make();
  for (const version of ['-tls1_2', '-tls1_3']) {
    const port = await freePort();
    const listener = await startProcess({
      name: `openssl${version}`,
      command: 'openssl',
      args: [
        ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', 'pair', '-CAfile', 'ca', version],
        ...['-Verify', '1', '-verify_return_error', '-www'],
      ],
      directory,
      ready: async () => (await lookByTls(target(port), ours, AbortSignal.timeout(1_000))).serialNumbers.length > 0,
    });
    t.same(await lookByTls(target(port), stranger, never), { serialNumbers: [served.serialNumber] }, version);
    await eventually('it did not', () => listener.output().includes('unable to get local issuer certificate'));
    await listener.stop();
  }
});

t.test('name and protocol are sent as configured', async (t) => {
  const names: string[] = [];
  const { port, clients } = await serveTls(t, {
    ALPNProtocols: ['mesh'],
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  await lookByTls(target(port, { serverName: 'web.example', alpn: ['mesh'] }), ours, never);
  t.same(names, ['web.example']);
  t.equal((await eventually('the listener has a connection', () => clients[0])).protocol, 'mesh');
  await lookByTls(target(port), ours, never);
  t.equal(names.length, 1, 'an address is no name');
});

t.test('what cannot be looked at says why', async (t) => {
  const trouble = async (port: number) => (await lookByTls(target(port), ours, never)).trouble;
  t.equal(await trouble(await freePort()), 'connection refused');
  const http = await listen(t, createHttpServer());
  t.match(await trouble(http), /does not speak TLS|was closed/);
  t.equal(
    await trouble(
      await listen(
        t,
        createTcpServer((socket) => socket.destroy()),
      ),
    ),
    'the connection was closed',
  );
  const silent = await listen(
    t,
    createTcpServer((socket) => void socket.on('error', () => {})),
  );
  t.same(await lookByTls(target(silent), ours, AbortSignal.timeout(50)), {
    serialNumbers: [],
    trouble: 'no answer in time',
  });
  t.equal((await lookByTls(target(silent), ours, AbortSignal.abort())).trouble, 'no answer in time');
  t.equal((await lookByTls(target(1, { host: 'no-such-host.invalid' }), ours, never)).trouble, 'no such host');
});

t.test("Envoy's admin: what it says, and every way in which it does not", async (t) => {
  const ask = async (listener: RequestListener, signal = never) => {
    const url = `http://127.0.0.1:${await listen(t, createHttpServer(listener))}`;
    return lookAtEnvoy({ kind: 'envoyAdmin', name: 'envoy', url, withinMs: 1 }, signal);
  };
  const paths: (string | undefined)[] = [];
  const found = await ask(({ url }, response) => {
    paths.push(url);
    response.end(JSON.stringify({ certificates: [{ cert_chain: [{ serial_number: '4af0' }] }] }));
  });
  t.same(found, { serialNumbers: ['4af0'] });
  t.same(paths, ['/certs']);
  const troubleOf = async (...args: Parameters<typeof ask>) => (await ask(...args)).trouble;
  t.equal(await troubleOf((_, response) => response.writeHead(404).end('{}')), 'it answers 404');
  t.equal(await troubleOf((_, response) => response.end('<html>')), 'its answer is no JSON');
  t.equal(await troubleOf(({ socket }) => socket.destroy()), 'the connection was closed');
  t.equal(await troubleOf(() => {}, AbortSignal.timeout(50)), 'no answer in time');
  const endless: RequestListener = (_, response) => {
    const more = setInterval(() => response.write('x'.repeat(1_000_000)), 1);
    response.on('close', () => clearInterval(more));
  };
  t.equal(await troubleOf(endless), 'its answer does not end');
  const url = `http://127.0.0.1:${await freePort()}`;
  t.match(await lookAtEnvoy({ kind: 'envoyAdmin', name: 'x', url, withinMs: 1 }, never), {
    trouble: 'connection refused',
  });
});
