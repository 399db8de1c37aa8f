import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openDataSources } from '../../../src/data-source.ts';
import { examine } from '../../../src/doctor/doctor.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { keyUsage, TestCa, type TestCaOptions } from '../../helpers/test-ca.ts';
import { loadGood } from '../config/load-text.ts';

const VALID = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };
const MESH = `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: provided, conf: {cert: {secret: cert}, key: {secret: key}}}
`;

t.test('what the agent would refuse fails, what it would warn of warns', async (t) => {
  const directory = t.testdir();
  const look = async (options: TestCaOptions = {}) => {
    const ca = await TestCa.makeRoot('root', { ...VALID, ...options });
    writeFileSync(join(directory, 'cert'), ca.certificatePem);
    writeFileSync(join(directory, 'key'), ca.keyPem);
    const clock = new FakeClock('2026-06-01T00:00:00Z');
    return examine(loadGood(MESH), { clock, random: Math.random, readSource: openDataSources(directory), trial: true });
  };
  t.match(await look(), [
    { check: 'ca', verdict: 'pass', cause: 'the CA "ca-1" and its key can be read, and break no rule' },
  ]);
  t.match(await look({ keyUsage: keyUsage('keyCertSign', 'digitalSignature') }), [
    { check: 'ca', verdict: 'warn', cause: /certificate 1 \(root\) has digitalSignature/, remedy: /meshcert ca check/ },
  ]);
  t.match(await look({ ca: false }), [
    {
      check: 'ca',
      verdict: 'fail',
      cause: /certificate 1 \(root\) is not the certificate of a CA/,
      remedy: /meshcert ca check/,
    },
  ]);
});

t.test('a source that cannot be read fails', async (t) => {
  const clock = new FakeClock();
  t.match(
    await examine(loadGood(MESH), {
      clock,
      random: Math.random,
      readSource: openDataSources(t.testdir()),
      trial: true,
    }),
    [{ check: 'ca', verdict: 'fail', cause: /cannot read secret "cert" .*: no such file/ }],
  );
});
