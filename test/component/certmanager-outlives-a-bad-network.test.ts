import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { installCrds } from '../helpers/cert-manager.ts';
import { makeTenant } from '../helpers/cert-manager-tenant.ts';
import { openCertManagerIssuer } from '../helpers/certmanager-issuer.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderAdminKubeconfig } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { openStandInController, signed } from '../helpers/stand-in-controller.ts';
import { openTcpRelay } from '../helpers/tcp-relay.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

const { cluster } = await sharedPeers(t);
await installCrds(cluster);
const tenant = await makeTenant(t, cluster, { works: false });
const kubeconfig = join(tenant.directory, 'admin');
writeFileSync(kubeconfig, renderAdminKubeconfig(cluster));
const admin = { kind: 'kubeconfig', paths: [kubeconfig] } as const;
const controller = await openStandInController(t, cluster, { ...tenant, admin });
const relay = await openTcpRelay(Number(new URL(cluster.url).port));
t.teardown(() => relay.close());

const root = await TestCa.makeRoot('root', inForce());
const config = {
  ...tenant.config,
  issuerRef: { name: 'odd', kind: 'OddIssuer', group: 'odd.example' },
  access: { ...tenant.account.access, address: `https://127.0.0.1:${relay.port}` },
};
const { issuer, issue, fail } = openCertManagerIssuer(config);
t.teardown(() => issuer.close());

t.test('a connection that is cut while the request waits is made anew, and nothing is asked twice', async (t) => {
  const { promise: isCut, resolve: cut } = Promise.withResolvers<void>();
  controller.answer(async (key) => {
    await isCut;
    return signed([await root.signLeaf(key, { uris: ['spiffe://default/web'], ...inForce() })], root.certificatePem);
  });
  const issuing = issue();
  await eventually('it is asked', () => controller.seen.length === 1);
  await eventually('the watch is there', () => relay.connections() >= 1);
  relay.cut();
  cut();
  const { identity } = await issuing;
  t.equal(identity.spiffeId.toString(), 'spiffe://default/web');
  t.equal(controller.seen.length, 1, 'one request');
  await eventually('it is taken away', async () => (await tenant.listRequests()).length === 0);
});

t.test('a request whose answer is lost is taken away, too', async (t) => {
  controller.answer(() => undefined);
  controller.seen.length = 0;
  // So that the next answer is not that of a handshake.
  await issuer.probe(new AbortController().signal);
  relay.cutNextAnswer();
  t.equal((await fail()).reason, 'ca_unreachable');
  await eventually('it was made', () => controller.seen.length === 1);
  await eventually('and taken away', async () => (await tenant.listRequests()).length === 0);
});
