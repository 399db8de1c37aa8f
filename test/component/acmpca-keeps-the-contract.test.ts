import t from 'tap';
import { holdToIssuerContract } from '../contract/issuer-contract.ts';
import { startPrivateCaService, useEndpoint } from '../helpers/private-ca.ts';

const service = await startPrivateCaService(t);
useEndpoint(t, service.url);
const absentArn =
  'arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/00000000-0000-0000-0000-000000000000';

for (const kind of ['root', 'intermediate'] as const) {
  for (const keyAlgorithm of ['EC_prime256v1', 'EC_secp384r1', 'RSA_2048'] as const) {
    t.test(`a private CA that is a ${kind} with a key of type ${keyAlgorithm}`, async (t) => {
      const parent = kind === 'root' ? undefined : await service.createCa({ keyAlgorithm: 'RSA_2048' });
      const { config } = await service.createCa({ keyAlgorithm, ...(parent && { parent }) });
      holdToIssuerContract(t, { config, absent: { config: { ...config, arn: absentArn }, code: 'ERR_CA_REFUSED' } });
    });
  }
}

t.test('a private CA whose root the user pins', async (t) => {
  const parent = await service.createCa();
  const ca = await service.createCa({ parent });
  const caCert = { kind: 'inline', value: `${ca.certificatePem}\n${ca.rootPem}` } as const;
  const config = { ...ca.config, caCert };
  // What is pinned need not be asked for.
  const absent = { config: { ...ca.config, arn: absentArn }, code: 'ERR_CA_REFUSED' } as const;
  holdToIssuerContract(t, { config, absent });
});
