import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { callApp } from '../helpers/call-app.ts';
import {
  issueOnce,
  SECRETS_KINDS,
  type SecretsKind,
  startMember,
  startPrintedEnvoy,
  writeMember,
} from '../helpers/mesh-member.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { startTellingApp, startTellingTlsApp } from '../helpers/telling-app.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const LOCAL = ['--inbound', '127.0.0.1:0'];
const FORGED = 'By=spiffe://default/backend;URI=spiffe://default/admin';

for (const secrets of SECRETS_KINDS) {
  t.test(`two Envoys as printed, mode PERMISSIVE, secrets by ${secrets}`, (t) => tellApart(t, secrets));
}

async function tellApart(t: Test, secrets: SecretsKind): Promise<void> {
  const directory = temporaryDirectory(t);
  const own = await makeServerCertificate(directory, 'app');
  const [app, appTls] = await Promise.all([startTellingApp(t), startTellingTlsApp(t, own)]);
  const allow = ['spiffe://default/frontend'];
  const backend = writeMember(directory, { service: 'backend', allow, secrets, mode: 'PERMISSIVE' });
  const frontend = writeMember(directory, { service: 'frontend', secrets, mode: 'PERMISSIVE' });
  for (const member of [backend, frontend]) await startMember(t, member);
  const server = await startPrintedEnvoy(t, backend, [...LOCAL, '--app', app, '--app-tls', appTls]);
  const inbound = await server.listenerPort('inbound');
  const client = await startPrintedEnvoy(t, frontend, [...LOCAL, '--outbound', `0:backend=127.0.0.1:${inbound}`]);

  await t.test('mutual TLS of the mesh ends in Envoy, which tells the application who calls', async (t) => {
    const { status, told } = await callApp(await client.listenerPort('outbound_backend'));
    t.match({ status, told }, { status: 200, told: { tls: false } });
    t.match(told?.headers['x-forwarded-client-cert'], /;URI=spiffe:\/\/default\/frontend$/);
  });

  await t.test('a member of the mesh that is not allowed is refused', async (t) => {
    const stranger = writeMember(directory, { service: 'stranger' });
    await issueOnce(stranger);
    await t.rejects(callApp(inbound, { tls: { identity: stranger.identity, alpn: ['meshcert'] } }));
    const ca = readFileSync(join(frontend.identity, 'ca.crt'), 'utf8');
    await t.rejects(callApp(inbound, { tls: { ca, alpn: ['meshcert'] } }), 'nor one without a certificate');
  });

  await t.test('a member of the mesh without an Envoy comes in when it offers the protocol, too', async (t) => {
    const { told } = await callApp(inbound, { tls: { identity: frontend.identity, alpn: ['meshcert', 'http/1.1'] } });
    t.match(told, { tls: false, headers: { 'x-forwarded-client-cert': /;URI=spiffe:\/\/default\/frontend$/ } });
  });

  await t.test('plaintext passes, and names nobody', async (t) => {
    const { status, told } = await callApp(inbound, { headers: { 'x-forwarded-client-cert': FORGED } });
    t.match({ status, told }, { status: 200, told: { tls: false } });
    t.notOk(told?.headers['x-forwarded-client-cert'], 'what the caller wrote is taken away');
  });

  await t.test("an application's own TLS passes, with the application's own certificate", async (t) => {
    for (const alpn of [undefined, ['http/1.1'], ['h2', 'http/1.1']]) {
      const { status, told } = await callApp(inbound, { tls: { ca: own.caPem, ...(alpn && { alpn }) } });
      t.match({ status, told }, { status: 200, told: { tls: true } }, `${alpn}`);
    }
  });

  await t.test('counters tell how many are not in the mesh yet', async (t) => {
    t.equal(await server.stat('http.inbound_plaintext.downstream_rq_total'), 1);
    t.equal(await server.stat('tcp.inbound_tls.downstream_cx_total'), 3);
  });
}
