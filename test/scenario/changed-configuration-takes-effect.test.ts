import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const renderMesh = (enabledBackend: string, backends: readonly string[]) => `type: Mesh
name: default
mtls:
  enabledBackend: ${enabledBackend}
  backends:
${backends.map((name) => `  - {name: ${name}, type: builtin, dpCert: {rotation: {expiration: 1h}}}`).join('\n')}
`;

t.test('a CA is changed, a mistake refused and mTLS turned off, without a restart', async (t) => {
  const directory = temporaryDirectory(t);
  const agent = await startAgent({ directory, mesh: renderMesh('ca-1', ['ca-1']) });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const agentDocument = readFileSync(agent.configFile, 'utf8').split('\n---\n')[1] ?? '';
  /** As editors do. */
  const save = (mesh: string) => {
    writeFileSync(`${agent.configFile}.new`, `${mesh}\n---\n${agentDocument}`);
    renameSync(`${agent.configFile}.new`, agent.configFile);
  };
  const countAnchors = () => readFileSync(join(agent.identity, 'ca.crt'), 'utf8').split('-----BEGIN').length - 1;
  const issuedBy = async () => (await agent.status()).certificate?.backend;
  const first = (await agent.status()).certificate;
  t.match(first, { backend: 'ca-1', generation: 1, trustBundleCertificates: 1 });

  save(renderMesh('ca-1', ['ca-1', 'ca-2']));
  await eventually('the bundle holds both CAs', () => countAnchors() === 2);
  const second = (await agent.status()).certificate;
  t.match(second, { serialNumber: first?.serialNumber, generation: 2, trustBundleCertificates: 2 });
  t.equal((await agent.status()).regenerations, 1, 'a bundle is no certificate');
  await agent.waitReady();

  save(renderMesh('ca-2', ['ca-1', 'ca-2']));
  await eventually('the other CA issues', async () => (await issuedBy()) === 'ca-2');
  t.match((await agent.status()).certificate, { generation: 3, trustBundleCertificates: 2 });
  await agent.waitReady();
  await checkPairWithOpenssl(agent.identity);
  t.match(
    agent.log().find(({ level }) => level === 'warn'),
    { event: /^the CA was changed before peers could know/, backend: 'ca-2' },
    'the switch came seconds after the CA',
  );

  save(renderMesh('ca-2', ['ca-2']));
  await eventually('the change is told', async () => (await agent.status()).supportedBackends.length === 1);
  t.equal(countAnchors(), 2, 'leaves under the CA that was removed may live for an hour yet');

  save('type: Mesh\nname: default\nmtls: {enabledBackend: ca-3, backends: [{name: ca-2, typ: builtin}]}\n');
  await eventually('the mistake is told', () =>
    agent.log().some(({ event }) => event === 'the changed configuration is refused, the running one stays'),
  );
  t.match(
    agent.log().find(({ event }) => /mtls.backends\[0\].typ: unknown key; did you mean "type"/.test(event)),
    { level: 'error' },
  );
  t.equal(await issuedBy(), 'ca-2');
  t.equal((await agent.rotate()).status, 200, 'the running configuration still works');

  save('type: Mesh\nname: default\n');
  await eventually('mTLS is off', () => agent.log().some(({ event }) => event.startsWith('mTLS is off')));
  t.equal(await issuedBy(), 'ca-2', 'what is in service stays until it expires');
  t.match((await agent.rotate()).text, /mTLS is off/);

  save(renderMesh('ca-1', ['ca-1', 'ca-2']));
  await eventually('it is on again', async () => (await issuedBy()) === 'ca-1');
  await agent.waitReady();
  await checkPairWithOpenssl(agent.identity);
  await agent.stop();
});

t.test('an agent that starts with mTLS off issues once a backend is enabled', async (t) => {
  const directory = temporaryDirectory(t);
  const agent = await startAgent({ directory, mesh: 'type: Mesh\nname: default\n' });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  t.equal((await agent.status()).certificate, undefined);
  const text = readFileSync(agent.configFile, 'utf8');
  writeFileSync(agent.configFile, text.replace('type: Mesh\nname: default\n', renderMesh('ca-1', ['ca-1'])));
  await eventually('a certificate is there', async () => (await agent.status()).certificate !== undefined);
  await agent.waitReady();
  await checkPairWithOpenssl(agent.identity);
});
