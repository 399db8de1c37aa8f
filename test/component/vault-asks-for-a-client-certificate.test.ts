import { type KeyObject, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makePrivateKey } from '../../src/identity/key-pair.ts';
import { derToPem } from '../../src/identity/pem.ts';
import { countCertificates } from '../helpers/count-certificates.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { extendedKeyUsage, inForce, type LeafOptions, TestCa } from '../helpers/test-ca.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { startVaultTls } from '../helpers/vault.ts';
import { openVaultIssuer, type VaultIssuer } from '../helpers/vault-issuer.ts';

const HOUR_MS = 3_600_000;
const directory = temporaryDirectory(t);
const clientCa = await TestCa.makeRoot('clients', inForce());
const clientCaFile = write('clients.pem', clientCa.certificatePem);
const vault = await startVaultTls({ directory: join(directory, 'vault'), clientCaFile });
t.teardown(() => vault.stop());
const { mount } = await configureKongVaultPki(vault, { mesh: 'default', role: { key_type: 'ec', key_bits: '256' } });
const never = new AbortController().signal;

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
}

async function makePair(ca: TestCa, options: LeafOptions = {}): Promise<Pair> {
  const key = await makePrivateKey('ec-p256');
  const certPem = derToPem('CERTIFICATE', await ca.signLeaf(key, { ...inForce(), ...options }));
  return { certPem, keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString(), key };
}

/** An issuer with these texts as its client certificate's files, which can be replaced. */
function open(certPem: string | undefined, keyPem: string | undefined) {
  const [certPath, keyPath] = [uniqueName('crt'), uniqueName('key')].map((name) => join(directory, name));
  const put = (cert: string | undefined, key: string | undefined) => {
    if (cert !== undefined) writeFileSync(String(certPath), cert);
    if (key !== undefined) writeFileSync(String(keyPath), key);
  };
  put(certPem, keyPem);
  const file = (path: string | undefined) => ({ kind: 'file', path: String(path) }) as const;
  const vaultIssuer = openVaultIssuer({
    address: String(vault.mutualAddress),
    pki: mount,
    auth: vault.rootToken,
    tls: {
      caCert: file(vault.caFile),
      ...(certPem !== undefined && { clientCert: file(certPath) }),
      ...(keyPem !== undefined && { clientKey: file(keyPath) }),
    },
  });
  t.teardown(() => vaultIssuer.issuer.close());
  return Object.assign(vaultIssuer, { put });
}

async function failsWith(t: Test, vaultIssuer: VaultIssuer, expected: object) {
  const before = await countCertificates(vault, mount);
  t.match(await vaultIssuer.fail(), expected);
  await t.rejects(vaultIssuer.issuer.probe(never), { code: (expected as { code: string }).code });
  t.equal(await countCertificates(vault, mount), before, 'nothing was issued');
}

const good = await makePair(clientCa);

t.test('with the right one everything is as without', async (t) => {
  const vaultIssuer = open(good.certPem, good.keyPem);
  const { identity } = await vaultIssuer.issue();
  await t.resolves(vaultIssuer.issuer.probe(never));
  t.same(await vaultIssuer.issuer.readRoots(never), identity.trustBundle);
});

t.test('a certificate under an intermediate brings that along', async (t) => {
  const intermediate = await clientCa.makeIntermediate('some clients', inForce());
  const pair = await makePair(intermediate);
  await t.resolves(open(pair.certPem + intermediate.certificatePem, pair.keyPem).issue());
});

t.test('none, or one that Vault does not accept, is named', async (t) => {
  await failsWith(t, open(undefined, undefined), {
    code: 'ERR_CA_TLS',
    message: /its listener demands a client certificate/,
    remedy: /clientCert and .*clientKey/,
  });
  const stranger = await makePair(await TestCa.makeRoot('strangers', inForce()));
  await failsWith(t, open(stranger.certPem, stranger.keyPem), {
    code: 'ERR_CA_TLS',
    message: /does not know the CA of the certificate in tls.clientCert/,
    remedy: /tls_client_ca_file/,
  });
  const ended = await makePair(clientCa, { notAfter: new Date(Date.now() - 60_000) });
  const late = open(ended.certPem, ended.keyPem);
  late.shiftClock(-HOUR_MS);
  await failsWith(t, late, { code: 'ERR_CA_TLS', message: /by its clock, the certificate .* has expired/ });
});

t.test('what cannot be used is named before Vault is asked', async (t) => {
  const other = await makePair(clientCa);
  const sec1 = { format: 'pem', type: 'sec1', cipher: 'aes-128-cbc', passphrase: 'x' } as const;
  const pkcs8 = { format: 'pem', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'x' } as const;
  const expired = await makePair(clientCa, { notAfter: new Date(Date.now() - HOUR_MS) });
  const early = await makePair(clientCa, { notBefore: new Date(Date.now() + HOUR_MS) });
  const server = await makePair(clientCa, { extendedKeyUsage: extendedKeyUsage('serverAuth') });
  const end = new X509Certificate(expired.certPem).validToDate.toISOString();
  const cases: [cert: string | undefined, key: string | undefined, message: RegExp, remedy: RegExp][] = [
    [good.certPem, other.keyPem, /tls.clientKey is not that of the certificate/, /replace both together/],
    [good.certPem, good.key.export(pkcs8).toString(), /tls.clientKey is encrypted/, /openssl pkey/],
    [good.certPem, good.key.export(sec1).toString(), /tls.clientKey is encrypted/, /openssl pkey/],
    [good.certPem, 'hello', /tls.clientKey holds no private key/, /put the key/],
    ['hello', good.keyPem, /tls.clientCert holds no PEM certificate/, /put the PEM/],
    [derToPem('CERTIFICATE', Buffer.from('junk')), good.keyPem, /in tls.clientCert is broken/, /put the PEM/],
    [good.certPem, undefined, /tls.clientCert is there without tls.clientKey/, /both/],
    [undefined, good.keyPem, /tls.clientKey is there without tls.clientCert/, /both/],
    [expired.certPem, expired.keyPem, new RegExp(`expired at ${end}`), /renew it/],
    [early.certPem, early.keyPem, /is not valid before/, /clock/],
    [server.certPem, server.keyPem, /not one for TLS clients/, /clientAuth/],
  ];
  for (const [cert, key, message, remedy] of cases) {
    await failsWith(t, open(cert, key), { code: 'ERR_SOURCE', retry: 'slowly', message, remedy });
  }
  const missing = open('', good.keyPem);
  await failsWith(t, missing, { code: 'ERR_SOURCE', message: /is empty/ });
});

t.test('changed files count at the next issue; half a change is refused once, and the old pair goes on', async (t) => {
  const vaultIssuer = open(good.certPem, good.keyPem);
  await vaultIssuer.issue();
  const next = await makePair(await TestCa.makeRoot('strangers', inForce()));
  vaultIssuer.put(next.certPem, undefined);
  await t.resolves(vaultIssuer.issue());
  await t.resolves(vaultIssuer.issue());
  const refusals = vaultIssuer.log.lines.filter((line) => line.includes('ERROR'));
  t.equal(refusals.length, 1);
  t.match(refusals[0], /refused, what was there is kept: .*tls.clientKey is not that of the certificate/);
  vaultIssuer.put(undefined, next.keyPem);
  await failsWith(t, vaultIssuer, { code: 'ERR_CA_TLS', message: /does not know the CA/ });
});

t.test('it is looked at anew whether the one in use is still valid', async (t) => {
  const vaultIssuer = open(good.certPem, good.keyPem);
  await vaultIssuer.issue();
  vaultIssuer.shiftClock(100 * 24 * HOUR_MS);
  await failsWith(t, vaultIssuer, { code: 'ERR_SOURCE', message: /expired at/ });
});

t.test('no secret is said', async (t) => {
  const vaultIssuer = open(good.certPem, 'not a key at all: canary');
  await vaultIssuer.fail();
  t.notMatch(vaultIssuer.said.join(), /canary/);
});
