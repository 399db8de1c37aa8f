import t, { type Test } from 'tap';
import type { IssuerConfig } from '../../../../src/config/config.ts';
import { openDataSources } from '../../../../src/data-source.ts';
import { holdToIssuerContract } from '../../../contract/issuer-contract.ts';
import { inForce, TestCa, type TestKeyType } from '../../../helpers/test-ca.ts';

const absent = {
  config: { kind: 'provided', cert: { kind: 'secret', name: 'nobody' } } as IssuerConfig,
  code: 'ERR_SOURCE',
} as const;

function hold(t: Test, config: IssuerConfig, secretsDirectory: string): void {
  holdToIssuerContract(t, { config, absent, context: { readSource: openDataSources(secretsDirectory) } });
}

for (const keyType of ['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048', 'ed25519'] as TestKeyType[]) {
  t.test(`a provided root of type ${keyType}, as two secrets`, async (t) => {
    const root = await TestCa.makeRoot('root', { ...inForce(), keyType });
    const directory = t.testdir({ cert: root.certificatePem, key: root.keyPem });
    const source = (name: string) => ({ kind: 'secret', name }) as const;
    hold(t, { kind: 'provided', cert: source('cert'), key: source('key') }, directory);
  });
}

t.test('a provided chain of two intermediates with other types of keys, one file with the key', async (t) => {
  const root = await TestCa.makeRoot('root', { ...inForce(), keyType: 'rsa-2048' });
  const upper = await root.makeIntermediate('upper', { ...inForce(), keyType: 'ed25519' });
  const closest = await upper.makeIntermediate('closest', { ...inForce(), pathLength: 0 });
  const all = [closest, upper, root].map(({ certificatePem }) => certificatePem).join('\n');
  const directory = t.testdir({ 'ca.pem': all + closest.keyPem });
  hold(t, { kind: 'provided', cert: { kind: 'file', path: `${directory}/ca.pem` } }, directory);
});

t.test('a provided intermediate whose root is not at hand, inline', async (t) => {
  const root = await TestCa.makeRoot('root', inForce());
  const closest = await root.makeIntermediate('closest', inForce());
  const inline = (value: string) => ({ kind: 'inline', value }) as const;
  hold(t, { kind: 'provided', cert: inline(closest.certificatePem), key: inline(closest.keyPem) }, t.testdirName);
});
