import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { BACKDATE_MS } from '../../src/ca/certificate-authority.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { requestJson } from '../helpers/request-json.ts';
import { readServedFingerprint } from '../helpers/served-certificate.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { setUpWebhook } from '../helpers/webhook-bench.ts';

const { cluster } = await sharedPeers(t);
const bench = await setUpWebhook(t, cluster, { directory: temporaryDirectory(t), meshYaml: renderBuiltinMesh('1h') });
// At once: both find no Secret.
const replicas = await Promise.all([
  bench.startReplica(['--expiration', '20s']),
  bench.startReplica(['--expiration', '20s']),
]);
const [one, other] = replicas;
await bench.lead(one.port, other.port);
const enabled = await bench.createNamespace({ labels: { 'meshcert.io/inject': 'enabled' } });
const silent = await bench.createNamespace();

/** Asks the one replica by its namespace, and the other by its own label. */
async function admit(namespace: string, labels: object): Promise<string | undefined> {
  const metadata = { name: 'web', labels: { app: 'web', ...labels } };
  const pod = { metadata, spec: { serviceAccountName: 'web', containers: [{ name: 'web', image: 'web' }] } };
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  const { status, body } = await cluster.api<{ message?: string; spec?: { initContainers?: object[] } }>(
    'POST',
    path,
    pod,
  );
  return body.spec?.initContainers?.length === 1 ? undefined : `${status} ${body.message}`;
}
const served = () => Promise.all(replicas.map(({ port }) => readServedFingerprint(port)));
/** How many CAs each of the two webhooks was told. */
const countCas = async () => {
  const { webhooks } = await bench.readConfiguration();
  const bundles = webhooks.map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? '', 'base64').toString());
  return bundles.map((bundle) => bundle.match(/BEGIN CERTIFICATE/g)?.length);
};

t.test('replicas that start together serve one certificate', async (t) => {
  const [first, second] = await served();
  t.equal(first, second);
  t.same(await countCas(), [1, 1]);
  for (const { telemetryUrl } of replicas) {
    const { text } = (await requestJson<{ text: string }>(`${telemetryUrl}/metrics`)).body;
    const [begin, end] = ['before', 'after'].map((what) => {
      const name = `meshcert_webhook_certificate_not_${what}_timestamp_seconds`;
      return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
    }) as [number, number];
    t.equal(end - begin, 20 + BACKDATE_MS / 1000, 'its life is shown');
  }
});

t.test('both change it, and no call fails', async (t) => {
  const [before] = await served();
  const failures: string[] = [];
  let calls = 0;
  const changed = new AbortController();
  const asking = (async () => {
    while (!changed.signal.aborted) {
      const answers = [await admit(enabled, {}), await admit(silent, { 'meshcert.io/inject': 'enabled' })];
      failures.push(...answers.filter((one) => one !== undefined));
      calls += answers.length;
      await wait(20);
    }
  })();
  let wasToldFirst = false;
  const haveBothChanged = async () => {
    const [told] = await countCas();
    const now = await served();
    wasToldFirst ||= told === 2 && now.every((one) => one === before);
    return now.every((one) => one !== before);
  };
  await eventually('both serve another one', haveBothChanged, { timeoutMs: 60_000, everyMs: 100 });
  changed.abort();
  await asking;
  const [first, second] = await served();
  t.equal(first, second, 'the same');
  t.ok(wasToldFirst, 'the API server knew its CA before');
  t.same(failures, []);
  t.ok(calls > 50, `${calls} calls`);
  t.same(await countCas(), [2, 2], 'who still has the old one is believed');
});
