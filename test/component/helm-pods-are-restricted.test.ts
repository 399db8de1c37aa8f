import t from 'tap';
import { EVERYTHING } from '../helpers/chart-values.ts';
import { openHelm } from '../helpers/helm.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { cluster } = await sharedPeers(t);
const helm = openHelm({ directory: temporaryDirectory(t) });

interface PodLike {
  readonly metadata: object;
  readonly spec: { readonly serviceAccountName: string; readonly securityContext: object };
}

t.test('every pod of the chart is let into a namespace of the restricted Pod Security Standard', async (t) => {
  const name = uniqueName('restricted');
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const made = await cluster.api('POST', '/api/v1/namespaces', { metadata: { name, labels } });
  t.equal(made.status, 201);
  const path = `/api/v1/namespaces/${name}/pods`;
  const create = (metadata: object, spec: object) =>
    cluster.api<{ message?: string }>('POST', `${path}?dryRun=All`, { metadata, spec });

  const values = { ...EVERYTHING, webhook: { replicas: 1 }, signer: { enabled: true } };
  const manifests = await helm.render(values, { namespace: name });
  const templates = manifests.flatMap(({ kind, spec, metadata }): PodLike[] => {
    if (kind === 'Deployment') return [(spec as { template: PodLike }).template];
    return kind === 'Pod' ? [{ metadata: { labels: metadata.labels }, spec: spec as PodLike['spec'] }] : [];
  });
  t.equal(templates.length, 4, 'a webhook, two signers, and a test');
  for (const { metadata, spec } of templates) {
    const isTest = !('priorityClassName' in spec) && spec.serviceAccountName === 'web';
    await cluster.createServiceAccount(name, spec.serviceAccountName);
    // The volume that the test has comes with the agent.
    const volumes = isTest ? { volumes: [{ name: 'meshcert-admin', emptyDir: {} }] } : {};
    const { status, body } = await create({ ...metadata, generateName: 'pod-' }, { ...spec, ...volumes });
    t.equal(status, 201, String(body.message));
    const { securityContext, ...unlimited } = spec;
    const refused = await create({ ...metadata, generateName: 'pod-' }, { ...unlimited, ...volumes });
    t.match(refused, { status: 403, body: { message: /violates PodSecurity "restricted/ } }, 'it is enforced');
  }
});
