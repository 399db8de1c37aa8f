import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { derToPem } from '../../../../src/identity/pem.ts';
import { issueIdentity } from '../../../../src/rotation/issue-identity.ts';
import { openTestBuiltin } from '../../../helpers/builtin.ts';

const request = (keyType: 'ec-p256' | 'rsa-2048' = 'ec-p256') => ({
  keyType,
  mayChangeKeyType: false,
  ttlSeconds: 3600,
});

async function issue(directory: string, options: { rsaBits?: number; backend?: string } = {}) {
  const bench = openTestBuiltin(directory, options);
  return issueIdentity({ ...request(), spiffeId: bench.spiffeId }, bench, new AbortController().signal);
}

t.test('the CA is made on first use, readable by its owner only, and used again afterwards', async (t) => {
  const directory = join(t.testdir(), 'ca');
  const first = await issue(directory);
  const second = await issue(directory);
  t.same(readdirSync(directory).sort(), ['default.ca-builtin-cert-ca-1', 'default.ca-builtin-key-ca-1']);
  for (const file of readdirSync(directory)) t.equal(statSync(join(directory, file)).mode & 0o777, 0o600);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.same(first.identity.trustBundle, second.identity.trustBundle);
  t.same(first.warnings, []);
});

t.test('openssl accepts CA and certificate, with the extensions of X509-SVID', async (t) => {
  for (const rsaBits of [undefined, 2048]) {
    const directory = t.testdir({ ca: {} });
    const { identity } = await issue(join(directory, 'ca'), rsaBits === undefined ? {} : { rsaBits });
    writeFileSync(join(directory, 'leaf.pem'), derToPem('CERTIFICATE', identity.chain[0]));
    writeFileSync(join(directory, 'ca.pem'), identity.trustBundle.map((der) => derToPem('CERTIFICATE', der)).join(''));
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, encoding: 'utf8' });
    t.match(openssl('verify', '-x509_strict', '-CAfile', 'ca.pem', 'leaf.pem'), /leaf.pem: OK/);
    const leaf = openssl('x509', '-in', 'leaf.pem', '-noout', '-text');
    t.match(leaf, /Basic Constraints: critical\s+CA:FALSE/);
    t.match(leaf, /Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
    t.match(leaf, /TLS Web Server Authentication, TLS Web Client Authentication/);
    t.match(leaf, /Subject Alternative Name: critical\s+URI:spiffe:\/\/default\/web\n/);
    const ca = openssl('x509', '-in', 'ca.pem', '-noout', '-text');
    t.match(ca, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    t.match(ca, /URI:spiffe:\/\/default\n/);
    t.match(ca, rsaBits === undefined ? /256 bit/ : /2048 bit/);
  }
});

t.test('processes that start together agree on one CA', async (t) => {
  const directory = join(t.testdir(), 'ca');
  const all = await Promise.all(Array.from({ length: 8 }, () => issue(directory)));
  t.equal(new Set(all.map(({ identity }) => identity.trustBundle[0]?.toString('hex'))).size, 1);
  t.equal(readdirSync(directory).length, 2, 'and leave nothing else behind');
});

t.test('backends do not share a CA', async (t) => {
  const directory = join(t.testdir(), 'ca');
  const [one, other] = [await issue(directory), await issue(directory, { backend: 'ca-2' })];
  t.notSame(one.identity.trustBundle, other.identity.trustBundle);
});

t.test('a run that was killed between key and certificate is continued', async (t) => {
  const directory = join(t.testdir(), 'ca');
  await issue(directory);
  const key = readFileSync(join(directory, 'default.ca-builtin-key-ca-1'), 'utf8');
  rmSync(join(directory, 'default.ca-builtin-cert-ca-1'));
  await issue(directory);
  t.equal(readFileSync(join(directory, 'default.ca-builtin-key-ca-1'), 'utf8'), key);
});

t.test('a stored CA that cannot be used is said in one line, and never replaced', async (t) => {
  const base = t.testdir();
  const directory = join(base, 'ca');
  await issue(directory);
  const [cert = '', key = ''] = ['cert', 'key'].map((part) => join(directory, `default.ca-builtin-${part}-ca-1`));
  const good = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  await issue(join(base, 'other'));
  const other = readFileSync(join(base, 'other/default.ca-builtin-key-ca-1'), 'utf8');
  const leaf = await issue(directory);
  for (const [change, message] of [
    [{ key: other }, /does not belong to the key/],
    [{ key: 'garbage' }, /the key of the CA of backend "ca-1" holds something that is no PEM/],
    [{ key: '' }, /the key of the CA of backend "ca-1" holds nothing/],
    [{ cert: '' }, /the certificate of the CA of backend "ca-1" holds nothing/],
    [{ cert: good.cert.slice(0, -30) }, /the certificate of the CA of backend "ca-1" is damaged/],
    [{ cert: derToPem('CERTIFICATE', leaf.identity.chain[0]) }, /is not the certificate of a CA/],
  ] as const) {
    const files = { ...good, ...change };
    writeFileSync(cert, files.cert);
    writeFileSync(key, files.key);
    await t.rejects(issue(directory), { code: 'ERR_SOURCE', message, remedy: /move its two files in .* away/ });
    t.same({ cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }, files);
    t.equal(readdirSync(directory).length, 2);
  }
  writeFileSync(cert, good.cert);
  rmSync(key);
  await t.rejects(issue(directory), { code: 'ERR_SOURCE', message: /its key is not at/ });
  t.notOk(existsSync(key));
  writeFileSync(key, good.key);
  t.ok(await issue(directory));
});

t.test('a damaged key without its certificate is said, and left there', async (t) => {
  const directory = t.testdir({ 'default.ca-builtin-key-ca-1': 'garbage' });
  await t.rejects(issue(directory), { code: 'ERR_SOURCE', message: /the key of the CA .* is no PEM/ });
  t.same(readdirSync(directory), ['default.ca-builtin-key-ca-1']);
});

t.test('a CA that goes away while it is in use is not replaced in silence', async (t) => {
  const directory = join(t.testdir(), 'ca');
  const bench = openTestBuiltin(directory, { caTtlSeconds: 86_400 });
  const again = () => issueIdentity({ ...request(), spiffeId: bench.spiffeId }, bench, new AbortController().signal);
  const first = await again();
  renameSync(directory, `${directory}-away`);
  await t.rejects(again(), { code: 'ERR_SOURCE', message: /the CA that is in use is gone/ });
  t.notOk(existsSync(directory));
  renameSync(`${directory}-away`, directory);
  t.same((await again()).identity.trustBundle, first.identity.trustBundle);
  rmSync(directory, { recursive: true });
  bench.clock.jump(86_400_000);
  t.notSame((await again()).identity.trustBundle, first.identity.trustBundle, 'once it has ended, a new one is made');
});

t.test('its end is said a month before', async (t) => {
  const directory = join(t.testdir(), 'ca');
  const bench = openTestBuiltin(directory, { caTtlSeconds: 365 * 86_400 });
  const again = () => issueIdentity({ ...request(), spiffeId: bench.spiffeId }, bench, new AbortController().signal);
  await again();
  t.notMatch(bench.log.lines.join(), /WARN/);
  bench.clock.jump(340 * 86_400_000);
  await again();
  await again();
  t.equal(bench.log.lines.filter((line) => /WARN .*certificate 1 \(default ca-1\) ends soon/.test(line)).length, 1);
});

t.test('a directory that cannot be made is said in one line', async (t) => {
  const directory = t.testdir({ file: 'not a directory' });
  await t.rejects(issue(join(directory, 'file', 'ca')), { code: 'ERR_SOURCE', message: /cannot keep a CA in/ });
});

t.test('no certificate outlives its CA, and an expired CA signs nothing', async (t) => {
  const directory = join(t.testdir(), 'ca');
  const bench = openTestBuiltin(directory, { caTtlSeconds: 600 });
  const signal = new AbortController().signal;
  const { identity } = await issueIdentity({ ...request(), spiffeId: bench.spiffeId }, bench, signal);
  t.equal(identity.notAfter.getTime(), bench.clock.nowMs() + 600_000);
  t.match(bench.log.lines.join(), /certificates end with their CA/);
  bench.clock.jump(600_000);
  await t.rejects(issueIdentity({ ...request(), spiffeId: bench.spiffeId }, bench, signal), {
    code: 'ERR_SOURCE',
    detail: 'expired',
  });
});
