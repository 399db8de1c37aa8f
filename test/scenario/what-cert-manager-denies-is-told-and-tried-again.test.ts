import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { makeCaIssuer } from '../helpers/cert-manager.ts';
import { makeTenant } from '../helpers/cert-manager-tenant.ts';
import { renderAdminKubeconfig } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { condition, openStandInController } from '../helpers/stand-in-controller.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

const { cluster } = await sharedPeers(t);
const tenant = await makeTenant(t, cluster, { approves: false });
const root = await TestCa.makeRoot('root', inForce());
await makeCaIssuer(cluster, root, tenant);
const adminFile = join(tenant.directory, 'admin');
writeFileSync(adminFile, renderAdminKubeconfig(cluster));
const admin = { kind: 'kubeconfig', paths: [adminFile] } as const;
// cert-manager itself signs; the stand-in has the place of approver-policy.
const approver = await openStandInController(t, cluster, { ...tenant, admin });
const approve = () => ({ conditions: [condition('Approved', 'True', 'policy', 'allowed')] });
const deny = () => ({ conditions: [condition('Denied', 'True', 'policy', 'no policy allows it')] });

approver.answer(approve);
const directory = temporaryDirectory(t);
const agent = await startAgent({
  directory,
  mesh: `type: Mesh
name: default
mtls:
  enabledBackend: cm
  backends:
  - {name: cm, type: certmanager, dpCert: {rotation: {expiration: 1h}}, conf: {issuerRef: {name: mesh-ca}}}`,
  env: { KUBECONFIG: tenant.account.writeKubeconfig() },
});
t.teardown(() => agent.stop());
await agent.waitReady();
const readLeaf = () => readFileSync(join(agent.identity, 'tls.crt'), 'utf8');
const first = readLeaf();
const failures = 'meshcert_rotation_failures_total{backend="cm",reason="ca_denied_request_denied"}';

t.test('peers trust the CA that cert-manager names', async (t) => {
  t.equal(readFileSync(join(agent.identity, 'ca.crt'), 'utf8').trim(), root.certificatePem.trim());
});

t.test('a denied rotation is counted and told, and the old identity stays', async (t) => {
  approver.answer(deny);
  const { status, text } = await agent.rotate();
  t.not(status, 200, text);
  t.match(text, /an approver of cert-manager denied the request to Issuer \\?"mesh-ca\\?"/);
  t.ok(((await agent.metrics()).get(failures) ?? 0) >= 1);
  t.equal(readLeaf(), first);
  t.equal((await agent.probe('/readyz')).status, 200);
});

t.test('once it is allowed again, the next one comes', async (t) => {
  approver.answer(approve);
  t.equal((await agent.rotate()).status, 200);
  t.not(readLeaf(), first);
});

t.test('no request is left behind, and no secret told', async (t) => {
  await agent.stop();
  t.same(await tenant.listRequests(), []);
  const token = readFileSync(join(tenant.account.access.directory, 'token'), 'utf8');
  t.notMatch(agent.output(), token.slice(-40));
});
