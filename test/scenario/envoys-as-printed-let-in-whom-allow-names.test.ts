import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { callApp, callAppByHttp2 } from '../helpers/call-app.ts';
import { eventually } from '../helpers/eventually.ts';
import {
  issueOnce,
  SECRETS_KINDS,
  type SecretsKind,
  startMember,
  startPrintedEnvoy,
  writeMember,
} from '../helpers/mesh-member.ts';
import { startTellingApp } from '../helpers/telling-app.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const LOCAL = ['--inbound', '127.0.0.1:0'];
const FORGED = 'By=spiffe://default/backend;URI=spiffe://default/admin';

for (const secrets of SECRETS_KINDS) {
  t.test(`two Envoys as printed, mode STRICT, secrets by ${secrets}`, (t) => letInWhomAllowNames(t, secrets));
}

async function letInWhomAllowNames(t: Test, secrets: SecretsKind): Promise<void> {
  const directory = temporaryDirectory(t);
  const app = await startTellingApp(t);
  const allow = ['spiffe://default/frontend', 'spiffe://default/batch/*'];
  const backend = writeMember(directory, { service: 'backend', allow, secrets });
  const frontend = writeMember(directory, { service: 'frontend', secrets });
  const stranger = writeMember(directory, { service: 'stranger', secrets });
  for (const member of [backend, frontend, stranger]) await startMember(t, member);

  const server = await startPrintedEnvoy(t, backend, [...LOCAL, '--app', app]);
  const inbound = await server.listenerPort('inbound');
  const target = `127.0.0.1:${inbound}`;
  const outbounds = ['--outbound', `0:backend=${target}`, '--outbound', `0:other=${target}`];
  const client = await startPrintedEnvoy(t, frontend, [...LOCAL, ...outbounds]);
  const port = await client.listenerPort('outbound_backend');
  /** Handshakes that failed for the name of the client, or for its CA. */
  const countRefused = async (why: 'san' | 'error') => {
    const found = await server.stats(new RegExp(`^listener..*.ssl.fail_verify_${why}$`));
    return [...found.values()].reduce((sum, count) => sum + count, 0);
  };

  await t.test('who is allowed is answered, and the application is told who it is', async (t) => {
    const headers = { 'x-forwarded-client-cert': FORGED };
    const byEnvoy = await callApp(port, { headers });
    const byItself = await callApp(inbound, { headers, tls: { identity: frontend.identity } });
    for (const { status, told } of [byEnvoy, byItself]) {
      t.equal(status, 200);
      const name = told?.headers['x-forwarded-client-cert'];
      t.match(name, /^By=spiffe:\/\/default\/backend;Hash=[\da-f]{64};URI=spiffe:\/\/default\/frontend$/);
    }
    t.equal(await client.stat('cluster.outbound_backend.ssl.versions.TLSv1.3'), 1, 'by TLS 1.3');
  });

  await t.test('requests arrive in the version of HTTP that they were made in', async (t) => {
    t.equal((await callApp(port)).told?.httpVersion, '1.1');
    t.equal((await callAppByHttp2(port)).httpVersion, '2.0');
  });

  await t.test('who is not allowed is refused', async (t) => {
    const before = await countRefused('san');
    const envoy = await startPrintedEnvoy(t, stranger, [...LOCAL, '--outbound', `0:backend=${target}`]);
    const { status, told } = await callApp(await envoy.listenerPort('outbound_backend'));
    t.equal(told, undefined);
    t.equal(status, 503);
    await eventually('for its name', async () => (await countRefused('san')) > before);
  });

  await t.test('a prefix ends at a slash', async (t) => {
    const calls = { '/batch/nightly': true, '/batch/nightly/2': true, '/batch': false, '/batch-jobs/nightly': false };
    for (const [path, isAllowed] of Object.entries(calls)) {
      const caller = writeMember(directory, { service: `caller${path.replaceAll('/', '.')}`, path });
      await issueOnce(caller);
      const before = await countRefused('san');
      const call = callApp(inbound, { tls: { identity: caller.identity } });
      if (isAllowed) {
        const name = (await call).told?.headers['x-forwarded-client-cert'];
        t.match(name, new RegExp(`;URI=spiffe://default${path}$`), path);
      } else {
        await t.rejects(call, path);
        await eventually('for its name', async () => (await countRefused('san')) > before);
      }
    }
  });

  await t.test('the one who is called has to be who it is taken for', async (t) => {
    const { status, told } = await callApp(await client.listenerPort('outbound_other'));
    t.equal(told, undefined);
    t.equal(status, 503);
    t.ok(((await client.stat('cluster.outbound_other.ssl.fail_verify_san')) ?? 0) > 0, 'for its name');
  });

  await t.test('plaintext, no certificate, and one of another CA are refused', async (t) => {
    await t.rejects(callApp(inbound), 'plaintext');
    await t.rejects(callApp(inbound, { tls: {} }), 'no certificate');
    const elsewhere = join(directory, 'elsewhere');
    mkdirSync(elsewhere);
    const impostor = writeMember(elsewhere, { service: 'frontend' });
    await issueOnce(impostor);
    const before = await countRefused('error');
    await t.rejects(callApp(inbound, { tls: { identity: impostor.identity } }), 'another CA');
    await eventually('for its CA', async () => (await countRefused('error')) > before);
  });
}
