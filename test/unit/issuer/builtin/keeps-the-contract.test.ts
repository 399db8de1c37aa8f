import { join } from 'node:path';
import t from 'tap';
import { holdToIssuerContract } from '../../../contract/issuer-contract.ts';

for (const [name, rsaBits] of [
  ['EC P-256', undefined],
  ['RSA', 2048],
] as const) {
  t.test(`a builtin CA of ${name}`, async (t) => {
    const directory = t.testdir({ file: '' });
    const kind = 'builtin';
    const caTtlSeconds = 86_400;
    holdToIssuerContract(t, {
      config: { kind, directory: join(directory, 'ca'), rsaBits, caTtlSeconds },
      absent: { config: { kind, directory: join(directory, 'file/ca'), caTtlSeconds }, code: 'ERR_SOURCE' },
    });
  });
}
