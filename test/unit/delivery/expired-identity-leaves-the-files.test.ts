import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { filesConfig, filesOptions, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const { make } = await openGenerationMaker();

t.test(
  'what was withdrawn is found nowhere, peers can still be verified, and a new identity brings all back',
  async (t) => {
    const directory = t.testdir();
    const files = openFiles(filesConfig(directory), filesOptions());
    t.teardown(() => files.close());
    await files.deliver(await make());
    const bundle = readFileSync(join(directory, 'ca.crt'), 'utf8');
    const readSecrets = () => parse(readFileSync(join(directory, 'tls_certificate_sds.yaml'), 'utf8')).resources;
    await files.withdraw();
    for (const name of ['tls.crt', 'tls.key', 'credentialbundle.pem']) {
      t.notOk(existsSync(join(directory, name)), name);
    }
    t.same(readdirSync(join(directory, '..data')).sort(), [
      'ca.crt',
      'tls_certificate_sds.yaml',
      'validation_context_sds.yaml',
    ]);
    t.same(readSecrets(), [], 'the file that Envoy cannot start without is there, with nothing in it');
    t.equal(readFileSync(join(directory, 'ca.crt'), 'utf8'), bundle);
    await files.withdraw();
    const next = await make();
    await files.deliver(next);
    t.same(readIdentity(directory), { serialNumber: next.serialNumber, whole: true });
    t.match(readSecrets(), [{ name: 'default' }]);
  },
);

t.test('an agent that has delivered nothing withdraws nothing', async (t) => {
  const directory = t.testdir();
  const open = () => openFiles(filesConfig(directory), filesOptions());
  const earlier = open();
  const left = await make();
  await earlier.deliver(left);
  await earlier.close();
  await open().withdraw();
  t.equal(readIdentity(directory)?.serialNumber, left.serialNumber);
});
