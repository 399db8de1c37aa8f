import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { filesConfig, filesOptions, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const { make } = await openGenerationMaker();

async function deliver(directory: string, keyType: 'ec-p256' | 'rsa-2048' = 'ec-p256') {
  const files = openFiles(filesConfig(directory), filesOptions());
  const generation = await make({ keyType });
  await files.deliver(generation);
  t.teardown(() => files.close());
  return generation;
}

t.test('strangers read what was written', async (t) => {
  for (const keyType of ['ec-p256', 'rsa-2048'] as const) {
    const directory = t.testdir();
    const generation = await deliver(directory, keyType);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, encoding: 'utf8' });
    t.match(
      openssl('verify', '-purpose', 'sslserver', '-CAfile', 'ca.crt', '-untrusted', 'tls.crt', 'tls.crt'),
      'tls.crt: OK',
    );
    t.equal(openssl('x509', '-noout', '-serial', '-in', 'tls.crt').trim(), `serial=${generation.serialNumber}`);
    t.equal(
      openssl('pkey', '-in', 'credentialbundle.pem', '-pubout'),
      openssl('x509', '-in', 'credentialbundle.pem', '-noout', '-pubkey'),
      'one file holds a key and its certificate',
    );
    const script = `
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("tls.crt", "tls.key")
context.load_cert_chain("credentialbundle.pem")
context.load_verify_locations("ca.crt")
print(len(context.get_ca_certs()))`;
    t.equal(execFileSync('python3', ['-c', script], { cwd: directory, encoding: 'utf8' }).trim(), '1');
  }
});

t.test('each file holds its blocks in the promised order', async (t) => {
  const directory = t.testdir();
  const generation = await deliver(directory);
  const labels = (name: string) =>
    [...readFileSync(join(directory, name), 'utf8').matchAll(/-----BEGIN ([A-Z ]+)-----/g)].map(([, label]) => label);
  t.same(labels('tls.crt'), ['CERTIFICATE', 'CERTIFICATE'], 'leaf and intermediate, no root');
  t.same(labels('tls.key'), ['PRIVATE KEY'], 'PKCS#8');
  t.same(labels('ca.crt'), ['CERTIFICATE']);
  t.same(labels('credentialbundle.pem'), ['PRIVATE KEY', 'CERTIFICATE', 'CERTIFICATE'], 'KEP-4317: key first');
  t.same(readIdentity(directory), { serialNumber: generation.serialNumber, whole: true });
});

t.test('Envoy is told the paths that outlive a generation, and to watch where ..data is renamed', async (t) => {
  const directory = join(t.testdir(), 'a "quoted" päth: {x} #1');
  const generation = await deliver(directory);
  const read = (name: string) => parse(readFileSync(join(directory, name), 'utf8'));
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
  t.strictSame(read('tls_certificate_sds.yaml'), {
    version_info: String(generation.number),
    resources: [
      {
        '@type': type,
        name: 'default',
        tls_certificate: {
          certificate_chain: { filename: join(directory, 'tls.crt') },
          private_key: { filename: join(directory, 'tls.key') },
          watched_directory: { path: directory },
        },
      },
    ],
  });
  t.strictSame(read('validation_context_sds.yaml').resources, [
    {
      '@type': type,
      name: 'ROOTCA',
      validation_context: {
        trusted_ca: { filename: join(directory, 'ca.crt') },
        watched_directory: { path: directory },
      },
    },
  ]);
  for (const name of ['tls.key', 'tls_certificate_sds.yaml', 'validation_context_sds.yaml']) {
    t.equal(readlinkSync(join(directory, name)), `..data/${name}`, 'the SDS files lie behind ..data as well');
  }
});

t.test('hand-overs that are asked for together happen one after the other', async (t) => {
  const directory = t.testdir();
  const files = openFiles(filesConfig(directory), filesOptions());
  t.teardown(() => files.close());
  const [first, second, last] = [await make(), await make(), await make()];
  await Promise.all([files.deliver(first), files.withdraw(), files.deliver(second), files.deliver(last)]);
  t.same(readIdentity(directory), { serialNumber: last.serialNumber, whole: true });
});

t.test('other files in the directory are left alone', async (t) => {
  const directory = t.testdir({ 'app.conf': 'x', '..2026_01_01_00_00_00.1': { 'tls.key': 'y' } });
  writeFileSync(join(directory, 'sds.sock'), '');
  await deliver(directory);
  t.equal(readFileSync(join(directory, 'app.conf'), 'utf8'), 'x');
  t.equal(readFileSync(join(directory, '..2026_01_01_00_00_00.1/tls.key'), 'utf8'), 'y');
});
