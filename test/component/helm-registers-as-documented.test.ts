import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { EVERYTHING, LEAST } from '../helpers/chart-values.ts';
import { findManifest, type Manifest, openHelm } from '../helpers/helm.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const helm = openHelm({ directory: temporaryDirectory(t) });

interface Registration extends Manifest {
  readonly webhooks: readonly {
    readonly failurePolicy: string;
    readonly timeoutSeconds: number;
    readonly clientConfig: object;
    readonly namespaceSelector: { readonly matchExpressions: readonly object[] };
  }[];
}

const register = async (values: object, name = 'meshcert') =>
  findManifest(await helm.render(values), 'MutatingWebhookConfiguration', name) as Registration;

t.test('the webhook is registered as docs/kubernetes.md says', async (t) => {
  const page = readFileSync(new URL('../../docs/kubernetes.md', import.meta.url), 'utf8');
  const documents = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(([, text = '']) => parseAllDocuments(text));
  const documented = documents
    .map((document) => document.toJS() as Registration)
    .find(({ kind }) => kind === 'MutatingWebhookConfiguration');
  const { webhooks } = await register(LEAST);
  t.equal(webhooks.length, 2);
  t.same(webhooks, documented?.webhooks);
  t.ok(webhooks.every(({ clientConfig }) => !('caBundle' in clientConfig)));
});

t.test('for other namespaces, and by another policy, where the values say so', async (t) => {
  for (const { failurePolicy, timeoutSeconds, namespaceSelector } of (await register(EVERYTHING, 'certs')).webhooks) {
    t.equal(failurePolicy, 'Ignore');
    t.equal(timeoutSeconds, 5);
    const values = ['kube-system', 'meshcert-system', 'istio-system'];
    t.same(namespaceSelector.matchExpressions.slice(0, 2), [
      { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values },
      { key: 'stage', operator: 'In', values: ['test'] },
    ]);
  }
});
