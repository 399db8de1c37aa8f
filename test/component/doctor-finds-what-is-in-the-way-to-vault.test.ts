import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { freePort } from '../helpers/free-port.ts';
import { makeServerCertificate, type ServerCertificate } from '../helpers/server-certificate.ts';
import { setUpTokenMesh } from '../helpers/setup-vault.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';

const directory = temporaryDirectory(t);
const vault = await startVaultTls({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());
const mesh = await setUpTokenMesh(vault, directory);
const port = new URL(vault.address).port;

/** @param changes of the Mesh document, as text. */
async function examine(changes: readonly (readonly [from: string | RegExp, to: string])[] = []) {
  const text = changes.reduce((rest, [from, to]) => {
    const changed = rest.replace(from, to);
    if (changed === rest) throw new Error(`"${from}" is not in ${rest}`);
    return changed;
  }, mesh.render());
  return runDoctor({ directory, mesh: text });
}

const withAddress = (address: string) => [/address: .*/, `address: ${address}`] as const;
const CA_FILE = /file: .*-ca.crt/;

t.test('nothing is in the way', async (t) => {
  const { code, complaints, finding } = await examine();
  t.same(complaints, []);
  t.equal(code, 0);
  t.match(finding('tls'), { verdict: 'pass', cause: /TLSv1.3; .* trusted by tls.caCert, ends in 23h/ });
});

t.test('what is in the way has a name, and what comes after it waits', async (t) => {
  const expect = async (
    check: string,
    changes: Parameters<typeof examine>[0],
    wanted: { readonly verdict: 'warn' | 'fail'; readonly cause: RegExp; readonly remedy: RegExp },
  ) => {
    const { code, finding, findings } = await examine(changes);
    t.match(finding(check), wanted);
    t.equal(code, wanted.verdict === 'fail' ? 1 : 0);
    const after = findings.slice(findings.findIndex((one) => one.check === check) + 1);
    const skipped = after.filter(({ waitsFor }) => waitsFor === check).length;
    t.equal(skipped > 0, wanted.verdict === 'fail', 'later checks wait for a failure, and for nothing else');
  };
  await expect('address', [withAddress('https://vault.8200')], {
    verdict: 'fail',
    cause: /no host can have the name in "https:\/\/vault.8200"/,
    remedy: /conf.fromCp.address: https:\/\/vault:8200/,
  });
  await expect('dns', [withAddress('https://vault.invalid:8200')], {
    verdict: 'fail',
    cause: /no such host name|name server does not answer/,
    remedy: /DNS/,
  });
  await expect('tcp', [withAddress(`https://127.0.0.1:${await freePort()}`)], {
    verdict: 'fail',
    cause: /connection refused/,
    remedy: /that Vault runs and listens there/,
  });
  const other = await makeServerCertificate(directory, 'other');
  await expect('tls', [[CA_FILE, `file: ${other.caFile}`]], {
    verdict: 'fail',
    cause: /no CA that we trust/,
    remedy: /tls.caCert/,
  });
  await expect('tls', [[CA_FILE, 'file: /nowhere/ca.crt']], {
    verdict: 'fail',
    cause: /cannot read \/nowhere\/ca.crt: no such file/,
    remedy: /make \/nowhere\/ca.crt/,
  });
  const broken = join(directory, 'broken.pem');
  writeFileSync(broken, 'no certificate');
  await expect('tls', [[CA_FILE, `file: ${broken}`]], {
    verdict: 'fail',
    cause: /caCert holds no PEM certificate/,
    remedy: /PEM certificate of the CA/,
  });
  await expect('tls', [[/(\n +)caCert:/, '$1serverName: vault.example$1caCert:']], {
    verdict: 'fail',
    cause: /its TLS certificate is for .* not for the name/,
    remedy: /serverName/,
  });
  await expect('tls', [[/(\n +)caCert:/, '$1skipVerify: true$1caCert:']], {
    verdict: 'warn',
    cause: /whoever answers gets our credentials/,
    remedy: /remove conf.fromCp.tls.skipVerify/,
  });
  await expect('health', [withAddress(`http://127.0.0.1:${port}`)], {
    verdict: 'fail',
    cause: /it listens with TLS/,
    remedy: /write https:/,
  });
});

t.test('servers that are not as they should be', async (t) => {
  const expired = await makeServerCertificate(directory, 'expired', -1000);
  t.match((await examineServer(t, expired)).finding('tls'), { verdict: 'fail', cause: /has expired/, remedy: /renew/ });

  const ending = await makeServerCertificate(directory, 'ending', 3_600_000);
  const atEnd = await examineServer(t, ending);
  t.match(atEnd.finding('tls'), { verdict: 'warn', cause: /ends in 59m/, remedy: /renew it in time/ });
  t.match(atEnd.finding('health'), { verdict: 'fail', cause: /is not Vault/, remedy: /conf.fromCp.address/ });
  t.match(atEnd.finding('login'), { verdict: 'skip', waitsFor: 'health' }, 'whoever that is gets no credentials');

  const plain = await listen(t, createHttpServer(answerAnything));
  t.match((await examine([withAddress(`https://127.0.0.1:${plain}`)])).finding('tls'), {
    verdict: 'fail',
    cause: /does not speak TLS/,
    remedy: /http:/,
  });
});

t.test('Vault that is sealed', async (t) => {
  await vault.seal();
  t.teardown(() => vault.unseal());
  const { code, finding } = await examine();
  t.match(finding('health'), { verdict: 'fail', cause: /sealed/, command: 'vault operator unseal' });
  t.match(finding('login'), { verdict: 'skip', waitsFor: 'health' });
  t.match(finding('trial'), { verdict: 'skip', waitsFor: 'health' });
  t.equal(code, 1);
});

/** Something with TLS that answers, but is not Vault. */
async function examineServer(t: Test, certificate: ServerCertificate) {
  const [cert, key] = [certificate.certificateFile, certificate.keyFile].map((file) => readFileSync(file));
  const listening = await listen(t, createHttpsServer({ cert, key }, answerAnything));
  return examine([withAddress(`https://127.0.0.1:${listening}`), [CA_FILE, `file: ${certificate.caFile}`]]);
}

const answerAnything: RequestListener = (_, response) => void response.end('{}');

async function listen(t: Test, server: Server & { closeAllConnections(): void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
