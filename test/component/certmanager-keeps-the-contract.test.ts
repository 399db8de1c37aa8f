import t from 'tap';
import type { CertManagerConfig } from '../../src/issuer/certmanager/config.ts';
import { holdToIssuerContract } from '../contract/issuer-contract.ts';
import { makeCaIssuer } from '../helpers/cert-manager.ts';
import { makeTenant } from '../helpers/cert-manager-tenant.ts';
import { freePort } from '../helpers/free-port.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

const { cluster } = await sharedPeers(t);
const tenant = await makeTenant(t, cluster);
const root = await TestCa.makeRoot('root', inForce());
const intermediate = await root.makeIntermediate('intermediate', inForce());
const chain = intermediate.certificatePem + root.certificatePem;
await makeCaIssuer(cluster, root, tenant);
await makeCaIssuer(
  cluster,
  { certificatePem: chain, keyPem: intermediate.keyPem, caPem: root.certificatePem },
  { namespace: tenant.namespace, name: 'below' },
);

const away = {
  ...tenant.config.access,
  address: `https://127.0.0.1:${await freePort()}`,
} as CertManagerConfig['access'];
const absent = { config: { ...tenant.config, access: away }, code: 'ERR_CA_UNREACHABLE' } as const;
const caCert = { kind: 'inline', value: root.certificatePem } as const;

t.test('an Issuer whose CA is a root', async (t) => {
  holdToIssuerContract(t, { config: { ...tenant.config, caCert }, absent });
});

t.test('an Issuer whose CA is an intermediate', async (t) => {
  const issuerRef = { ...tenant.config.issuerRef, name: 'below' };
  holdToIssuerContract(t, { config: { ...tenant.config, issuerRef, caCert }, absent });
});

t.test('and nothing is left in the namespace', async (t) => {
  t.same(await tenant.listRequests(), []);
});
