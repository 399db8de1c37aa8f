import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { runProgram } from '../../../src/cli/program.ts';
import { parseCertificate } from '../../../src/identity/certificate.ts';
import { pemToDer } from '../../../src/identity/pem.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { verifyWithOpenssl } from '../../helpers/openssl.ts';
import { TestCa } from '../../helpers/test-ca.ts';
import { loadGood } from '../config/load-text.ts';

const YEAR_MS = 365 * 86_400_000;

/** The program in a folder of its own. */
function openFolder(t: Test, content = {}) {
  const directory = t.testdir(content);
  const run = async (...args: string[]) => {
    const { edge, out, error } = openFakeEdge({ currentDirectory: directory });
    return { code: await runProgram(['ca', ...args], edge), out: out(), error: error() };
  };
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const certificates = (name: string) => pemToDer('CERTIFICATE', read(name)).map(parseCertificate);
  return { directory, run, read, certificates };
}

t.test('a root, its key for its owner only, and a Mesh that loads', async (t) => {
  const { directory, run, certificates } = openFolder(t);
  const { code, out, error } = await run('init');
  t.same({ code, error }, { code: 0, error: '' });
  t.same(readdirSync(directory).sort(), ['default.ca-1.crt', 'default.ca-1.key']);
  t.equal(statSync(join(directory, 'default.ca-1.key')).mode & 0o777, 0o600);
  t.equal(statSync(join(directory, 'default.ca-1.crt')).mode & 0o777, 0o644);
  const [root] = certificates('default.ca-1.crt');
  t.same(root?.uris, ['spiffe://default']);
  t.ok(Math.abs((root?.x509.validToDate.getTime() ?? 0) - Date.now() - 10 * YEAR_MS) < 60_000);
  t.match(out, /^# made a root CA: ec prime256v1, until /);
  const file = (name: string) => ({ kind: 'file', path: join(directory, name) });
  t.match(loadGood(out).backend, {
    name: 'ca-1',
    issuer: { kind: 'provided', cert: file('default.ca-1.crt'), key: file('default.ca-1.key') },
  });
  t.match(await run('check', 'default.ca-1.crt', 'default.ca-1.key'), {
    code: 0,
    out: /can be used: 14 pass, 0 warn, 0 fail\n$/,
  });
});

t.test('every type of key, name and life', async (t) => {
  for (const keyType of ['ec-p256', 'ec-p384', 'ed25519', 'rsa-2048']) {
    const { run, certificates } = openFolder(t);
    const options = ['--mesh', 'shop', '--backend', 'B_1', '--trust-domain', 'shop.example', '--directory', 'a/b'];
    const { code, out } = await run('init', ...options, '--key-type', keyType, '--expiration', '36h');
    t.equal(code, 0);
    const [root] = certificates('a/b/shop.B_1.crt');
    t.same(root?.uris, ['spiffe://shop.example']);
    t.ok(Math.abs((root?.x509.validToDate.getTime() ?? 0) - Date.now() - 36 * 3_600_000) < 60_000);
    t.match(parse(out), { name: 'shop', mtls: { enabledBackend: 'B_1' } });
    t.match(await run('check', 'a/b/shop.B_1.crt', 'a/b/shop.B_1.key'), { code: 0, out: / 0 warn, 0 fail\n$/ });
  }
});

t.test('an intermediate under a root, and one under a chain', async (t) => {
  const { run, certificates, read } = openFolder(t);
  await run('init', '--backend', 'root', '--expiration', '1y');
  const issuer = ['--root-cert', 'default.root.crt', '--root-key', 'default.root.key'];
  const { code, out } = await run('init', '--backend', 'ca-2', '--key-type', 'ed25519', ...issuer);
  t.equal(code, 0);
  t.match(out, /^# made an intermediate CA under "default root": ed25519, until .*, when its issuer ends\n/);
  const [closest, root] = certificates('default.ca-2.crt');
  t.equal(closest?.basicConstraints?.pathLength, 0);
  t.same(closest?.x509.validToDate, root?.x509.validToDate);
  await verifyWithOpenssl(read('default.ca-2.crt'), { intermediates: [], roots: [read('default.root.crt')] });
  t.match(await run('check', 'default.ca-2.crt', 'default.ca-2.key'), { code: 0, out: / 0 warn, 0 fail\n$/ });

  const below = await run(
    'init',
    '--backend',
    'ca-3',
    '--root-cert',
    'default.ca-2.crt',
    '--root-key',
    'default.ca-2.key',
  );
  t.match(below, { code: 1, out: '', error: /certificate 2 \(default ca-2\) allows 0 CAs below it, and there are 1/ });
});

t.test('nothing is replaced', async (t) => {
  for (const there of ['default.ca-1.key', 'default.ca-1.crt']) {
    const { directory, run, read } = openFolder(t, { [there]: 'precious' });
    const { code, out, error } = await run('init');
    t.same({ code, out }, { code: 2, out: '' });
    t.equal(
      error,
      `meshcert: ${join(directory, there)} is there already, and a CA is never replaced; take another --backend or --directory\n`,
    );
    t.same(readdirSync(directory), [there]);
    t.equal(read(there), 'precious');
  }
});

t.test('what it cannot do is one line, and no file', async (t) => {
  const { directory, run } = openFolder(t, { file: '' });
  const ended = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2021-01-01T00:00:00Z') };
  const old = await TestCa.makeRoot('old', ended);
  writeFileSync(join(directory, 'old.pem'), old.certificatePem + old.keyPem);
  const before = readdirSync(directory);
  for (const [args, code, error] of [
    [['--mesh', 'Shop'], 2, /--mesh "Shop" cannot be the name of it; expected a-z, digits/],
    [['--backend', '../x'], 2, /--backend "\.\.\/x" cannot be the name of it; expected letters, digits/],
    [['--backend', '..'], 2, /--backend "\.\."/],
    [['--trust-domain', 'a/b'], 2, /--trust-domain "a\/b"/],
    [['--expiration', '10'], 2, /'10' is invalid\. "10" has no unit/],
    [['--key-type', 'dsa'], 2, /Allowed choices are/],
    [['--root-key', 'x'], 2, /--root-key is there without --root-cert; give both/],
    [['--root-cert', 'nobody.pem'], 1, /nobody\.pem: no such file/],
    [['--root-cert', 'file'], 1, /file is empty/],
    [['--root-cert', 'old.pem'], 1, /the CA of --root-cert cannot be used: certificate 1 \(old\) expired at 2021/],
    [['--directory', 'file/x'], 1, /cannot write a CA to .*: ENOTDIR/],
  ] as const) {
    t.match(await run('init', ...args), { code, out: '', error }, args.join(' '));
    t.same(readdirSync(directory), before);
  }
});
