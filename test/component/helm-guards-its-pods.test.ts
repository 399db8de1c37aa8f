import t from 'tap';
import { EVERYTHING, LEAST, WITH_MONITORING } from '../helpers/chart-values.ts';
import { findManifest, type Manifest, openHelm } from '../helpers/helm.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const helm = openHelm({ directory: temporaryDirectory(t) });

/** Labels that select pods of a Deployment. */
const labelsOf = (manifests: readonly Manifest[], name: string) =>
  (findManifest(manifests, 'Deployment', name).spec as { selector: { matchLabels: object } }).selector.matchLabels;

t.test('where there are several replicas, a drain takes one at a time', async (t) => {
  const manifests = await helm.render(WITH_MONITORING);
  for (const name of ['meshcert-webhook', 'meshcert-signer-default']) {
    const { spec } = findManifest(manifests, 'PodDisruptionBudget', name);
    t.same(spec, { maxUnavailable: 1, selector: { matchLabels: labelsOf(manifests, name) } });
  }
  const single = await helm.render({ ...LEAST, webhook: { replicas: 1 } });
  t.notOk(
    single.some(({ kind }) => kind === 'PodDisruptionBudget'),
    'one could not be taken at all',
  );
});

t.test('network policies let in the API server and Prometheus, and out to the API server and DNS', async (t) => {
  const manifests = await helm.render(EVERYTHING);
  const from = EVERYTHING.networkPolicy.telemetryFrom;
  const telemetry = { ports: [{ protocol: 'TCP', port: 9902 }], from };
  const egress = [
    {
      ports: [
        { protocol: 'UDP', port: 53 },
        { protocol: 'TCP', port: 53 },
      ],
    },
    { ports: [{ protocol: 'TCP', port: 16_443 }] },
  ];
  const policyTypes = ['Ingress', 'Egress'];
  t.match(findManifest(manifests, 'NetworkPolicy', 'certs-webhook').spec, {
    policyTypes,
    ingress: [{ ports: [{ protocol: 'TCP', port: 9443 }] }, telemetry],
    egress,
  });
  t.match(findManifest(manifests, 'NetworkPolicy', 'certs-signer').spec, { policyTypes, ingress: [telemetry], egress });
  for (const [policy, deployment] of [
    ['certs-webhook', 'certs-webhook'],
    ['certs-signer', 'certs-signer-default'],
    ['certs-signer', 'certs-signer-legacy'],
  ] as const) {
    const { podSelector } = findManifest(manifests, 'NetworkPolicy', policy).spec as {
      podSelector: { matchLabels: object };
    };
    t.match(labelsOf(manifests, deployment), podSelector.matchLabels, `${policy} is about ${deployment}`);
  }
  const off = await helm.render({ ...LEAST, networkPolicy: { enabled: false } });
  t.notOk(off.some(({ kind }) => kind === 'NetworkPolicy'));
});
