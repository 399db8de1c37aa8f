import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { renderProvidedMesh } from '../helpers/kong-mesh.ts';
import { checkPairWithOpenssl, readWithOpenssl } from '../helpers/openssl.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, keyUsage, TestCa } from '../helpers/test-ca.ts';

const directory = temporaryDirectory(t);
const [cert, key] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];

function write(...chain: readonly [TestCa, ...TestCa[]]): void {
  writeFileSync(cert, chain.map(({ certificatePem }) => certificatePem).join(''));
  writeFileSync(key, chain[0].keyPem);
}

const first = await TestCa.makeRoot('first', inForce());
const root = await TestCa.makeRoot('root', { ...inForce(), keyType: 'rsa-2048' });
const closest = await root.makeIntermediate('closest', { ...inForce(), keyType: 'ed25519' });
const weak = await TestCa.makeRoot('weak', { ...inForce(), keyUsage: keyUsage('keyCertSign', 'keyAgreement') });

write(first);
const agent = await startAgent({ directory, mesh: renderProvidedMesh(cert, key) });
t.teardown(() => agent.stop());
await agent.waitReady();

const readFile = (name: string) => readFileSync(join(agent.identity, name), 'utf8');
const readSerial = async () => (await readWithOpenssl(readFile('tls.crt'))).serialNumber;

t.test('the provided root signs', async (t) => {
  await checkPairWithOpenssl(agent.identity);
  t.ok(readFile('ca.crt').includes(first.certificatePem.trim()));
});

t.test('a CA that must not be used is refused with its reason, and the identity in service stays', async (t) => {
  const before = await readSerial();
  write(weak);
  const { status, text } = await agent.rotate();
  t.not(status, 200);
  t.match(text, /certificate 1 \(weak\) has keyAgreement in its key usage, which a CA must not have/);
  t.equal(await readSerial(), before);
  await checkPairWithOpenssl(agent.identity);
  t.equal((await agent.probe('/readyz')).status, 200);
  t.match(await agent.status(), { lastError: { code: 'ERR_SOURCE' } });
});

t.test('an intermediate with its chain signs next: its root is trusted, itself is sent along', async (t) => {
  const before = await readSerial();
  write(closest, root);
  const { status, text } = await agent.rotate();
  t.equal(status, 200, text);
  t.not(await readSerial(), before);
  await checkPairWithOpenssl(agent.identity);
  t.ok(readFile('tls.crt').includes(closest.certificatePem.trim()));
  t.notOk(readFile('tls.crt').includes(root.certificatePem.trim()));
  t.ok(readFile('ca.crt').includes(root.certificatePem.trim()));
});

t.test('the key of the CA is in nothing that it wrote', async (t) => {
  const lines = closest.keyPem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'));
  for (const text of [agent.output(), readFile('tls.key'), readFile('credentialbundle.pem')]) {
    for (const line of lines) t.notOk(text.includes(line));
  }
});
