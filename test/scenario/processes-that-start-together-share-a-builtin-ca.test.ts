import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const PROCESSES = 4;

const mesh = (backend: string) => `type: Mesh
name: default
mtls:
  enabledBackend: ${backend}
  backends:
  - {name: ca-1, type: builtin}
  - {name: ca-2, type: builtin, conf: {caCert: {RSAbits: 3072, expiration: 5y}}}
`;

/** All at once, in one folder, each with its own files. */
function runTogether(directory: string, backend: string): Promise<string[]> {
  const names = Array.from({ length: PROCESSES }, (_, index) => `${backend}-${index}`);
  return Promise.all(
    names.map(async (name) => {
      const agent = `---\ntype: Agent\nservice: web\ndeliver: {files: [{directory: ${name}}]}\n`;
      const env = { MESHCERT_CONFIG: mesh(backend) + agent };
      const { code, stderr } = await runMeshcert(['run', '--once'], { directory, env });
      if (code !== 0) throw new Error(stderr);
      await checkPairWithOpenssl(join(directory, name));
      return readFileSync(join(directory, name, 'ca.crt'), 'utf8');
    }),
  );
}

t.test('they agree on one CA, and leave two whole files', async (t) => {
  // A long RSA key takes a while to be made, so that all of them begin before one is done.
  for (const backend of ['ca-1', 'ca-2']) {
    const directory = temporaryDirectory(t);
    const bundles = await runTogether(directory, backend);
    const own = readFileSync(join(directory, `.meshcert/ca/default.ca-builtin-cert-${backend}`), 'utf8');
    for (const bundle of bundles) t.ok(bundle.includes(own.trim()));
    t.same(
      readdirSync(join(directory, '.meshcert/ca')).filter((name) => name.endsWith('.tmp')),
      [],
    );
  }
});

t.test('each backend has a CA of its own, which is used again', async (t) => {
  const directory = temporaryDirectory(t);
  const read = (name: string) => readFileSync(join(directory, '.meshcert/ca', name), 'utf8').trim();
  const [first = ''] = await runTogether(directory, 'ca-1');
  const own = read('default.ca-builtin-cert-ca-1');
  const [second = ''] = await runTogether(directory, 'ca-2');
  t.ok(first.includes(own));
  t.ok(second.includes(read('default.ca-builtin-cert-ca-2')));
  t.not(own, read('default.ca-builtin-cert-ca-2'));
  const [again = ''] = await runTogether(directory, 'ca-1');
  t.ok(again.includes(own));
});
