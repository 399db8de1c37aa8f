import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import t, { type Test } from 'tap';
import { openFiles } from '../../../src/delivery/files/files.ts';
import type { Generation } from '../../../src/identity/identity.ts';
import { derToPem } from '../../../src/identity/pem.ts';
import { filesConfig, filesOptions, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const { make } = await openGenerationMaker();
const PASSWORD = `a "b" 'c' \\ $d ~9`;

function open(t: Test, directory: string, password = PASSWORD) {
  const file = join(t.testdirName, 'password');
  writeFileSync(file, `${password}\n`);
  const pkcs12 = { password: { kind: 'file', path: file } } as const;
  const files = openFiles(filesConfig(directory, { pkcs12, keyMode: 0o640 }), filesOptions());
  t.teardown(() => files.close());
  return { files, file };
}

/** @returns the blocks of a store, as openssl writes them. */
function readStore(path: string, what: readonly string[], password = PASSWORD): string {
  const env = { ...process.env, STORE_PASSWORD: password };
  return execFileSync('openssl', ['pkcs12', '-in', path, '-passin', 'env:STORE_PASSWORD', '-nodes', ...what], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const blocksOf = (text: string) => text.match(/-----BEGIN [\s\S]*?-----END [A-Z ]+-----\n/g) ?? [];
const toPem = (der: Buffer) => derToPem('CERTIFICATE', der);
const keyOf = ({ privateKey }: Generation) =>
  derToPem('PRIVATE KEY', privateKey.export({ format: 'der', type: 'pkcs8' }));

for (const keyType of ['ec-p256', 'rsa-2048'] as const) {
  t.test(`openssl and Node find key and chain of ${keyType} in one store, the CAs in the other`, async (t) => {
    const directory = join(t.testdir(), 'identity');
    const { files } = open(t, directory);
    const generation = await make({ keyType });
    await files.deliver(generation);
    const store = join(directory, 'keystore.p12');
    t.same(blocksOf(readStore(store, ['-nocerts'])), [keyOf(generation)]);
    t.same(
      blocksOf(readStore(store, ['-nokeys', '-clcerts'])),
      [toPem(generation.chain[0])],
      'the leaf belongs to the key',
    );
    t.same(blocksOf(readStore(store, ['-nokeys'])), generation.chain.map(toPem));
    t.match(readStore(store, ['-nocerts']), 'friendlyName: meshcert');
    createSecureContext({ pfx: readFileSync(store), passphrase: PASSWORD });
    t.throws(() => readStore(store, [], 'another'), 'with another password');

    const trust = join(directory, 'truststore.p12');
    t.same(blocksOf(readStore(trust, [])), generation.trustBundle.map(toPem));
    t.match(readStore(trust, ['-nokeys']), /friendlyName: ca-1\n *2\.16\.840\.1\.113894\.746875\.1\.1:/);
    t.equal(statSync(store).mode & 0o777, 0o640, 'as secret as the key');
    t.equal(statSync(trust).mode & 0o777, 0o644);
    t.same(readIdentity(directory), { serialNumber: generation.serialNumber, whole: true }, 'beside PEM');
  });
}

const hasKeytool = (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, 'keytool')));
if (hasKeytool) {
  t.test('Java, where there is one, finds a private key entry and trusted certificates', async (t) => {
    const directory = join(t.testdir(), 'identity');
    const { files } = open(t, directory, 'changeit');
    const generation = await make();
    await files.deliver(generation);
    const list = (name: string) =>
      execFileSync(
        'keytool',
        ['-J-XX:TieredStopAtLevel=1', '-list', '-v', '-storepass', 'changeit', '-keystore', join(directory, name)],
        {
          encoding: 'utf8',
        },
      );
    t.match(
      list('keystore.p12'),
      /Alias name: meshcert[\s\S]*Entry type: PrivateKeyEntry\nCertificate chain length: 2/,
    );
    t.match(list('keystore.p12').toUpperCase(), `SERIAL NUMBER: ${generation.serialNumber}`);
    t.match(list('truststore.p12'), /Alias name: ca-1[\s\S]*Entry type: trustedCertEntry/);
  });
}

t.test('the password is read anew for each generation', async (t) => {
  const directory = join(t.testdir(), 'identity');
  const { files, file } = open(t, directory);
  await files.deliver(await make());
  writeFileSync(file, 'changed');
  const next = await make();
  await files.deliver(next);
  t.same(blocksOf(readStore(join(directory, 'keystore.p12'), ['-nocerts'], 'changed')), [keyOf(next)]);
});

t.test(
  'without a usable password nothing is delivered, one clear line is told, and what was there stays',
  async (t) => {
    const directory = join(t.testdir(), 'identity');
    const { files, file } = open(t, directory);
    const earlier = await make();
    await files.deliver(earlier);
    for (const [password, why] of [
      ['', `cannot make a key store in ${directory}: ${file} is empty`],
      [
        'two\nlines',
        'the password has more than one line, or is not of printable ASCII characters; choose another one',
      ],
      ['pässword', 'is not of printable ASCII characters'],
    ] as const) {
      writeFileSync(file, password);
      const thrown = await files.deliver(await make()).catch((error) => error);
      t.match(thrown, { code: 'ERR_DELIVERY', detail: 'password' });
      t.match(thrown.line, why);
      t.notMatch(thrown.line, /pässword|two/);
    }
    t.same(readIdentity(directory), { serialNumber: earlier.serialNumber, whole: true });
  },
);
