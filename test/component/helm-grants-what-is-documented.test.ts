import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { listInspectManifests } from '../../src/setup/setup-inspect.ts';
import { EVERYTHING, LEAST, WITH_MONITORING, WITH_SIGNER } from '../helpers/chart-values.ts';
import { listGrantedRights, listRights } from '../helpers/granted-rights.ts';
import { findManifest, installChart, type Manifest, openHelm } from '../helpers/helm.ts';
import { kubeClient } from '../helpers/kube-client.ts';
import type { Rule } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const helm = openHelm({ directory, cluster });

/** The Kubernetes objects of a page. */
function readPage(name: string): Manifest[] {
  const page = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const documents = blocks.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
  return documents.filter(({ kind }) => kind !== undefined);
}

/** Of the webhook, in docs/kubernetes.md. The chart makes its Secret, so that it need not. */
const webhookRights = readPage('kubernetes.md')
  .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
  .flatMap(({ rules, metadata }) => listRights(rules as Rule[], metadata.namespace))
  .filter((right) => right !== 'meshcert-system create secrets')
  .sort();
const signerPage = readPage('signer.md');

t.test('webhook, signer and workloads get what the pages say, and nothing else', async (t) => {
  const manifests = await helm.render({ ...WITH_SIGNER, signer: { enabled: true, allowedNamespaces: ['shop'] } });
  t.ok(webhookRights.length > 4);
  t.same(listGrantedRights(manifests, 'meshcert-webhook'), webhookRights);
  const documented = listGrantedRights(signerPage, 'meshcert-signer');
  t.ok(documented.length > 15);
  t.same(listGrantedRights(manifests, 'meshcert-signer-default'), documented);
  const ofWorkloads = [
    ...listGrantedRights(signerPage, 'system:serviceaccounts:shop'),
    ...listGrantedRights(signerPage, 'system:serviceaccounts'),
  ];
  t.ok(ofWorkloads.length > 3);
  t.same(listGrantedRights(manifests, 'system:serviceaccounts:shop'), ofWorkloads.sort());
});

t.test('of its namespaces, or of all', async (t) => {
  const open = await helm.render(WITH_SIGNER);
  t.ok(
    listGrantedRights(open, 'system:serviceaccounts').includes(
      '* create certificatesigningrequests.certificates.k8s.io',
    ),
  );
  const closed = await helm.render(EVERYTHING);
  t.same(listGrantedRights(closed, 'system:serviceaccounts'), []);
  t.same(
    listGrantedRights(closed, 'system:serviceaccounts:bank'),
    listGrantedRights(closed, 'system:serviceaccounts:shop'),
  );
});

t.test('a signer of provided CAs alone reads the Secrets that the Mesh names, and makes none', async (t) => {
  const rights = listGrantedRights(await helm.render(EVERYTHING), 'certs-signer-legacy');
  t.same(
    rights.filter((right) => right.includes('secrets')),
    ['legacy-ca', 'legacy-ca-key', 'old-ca'].map((name) => `meshcert-system get secrets ${name}`),
  );
});

t.test('without a signer nothing is granted to anybody but the webhook', async (t) => {
  const bound = (await helm.render(LEAST))
    .filter(({ kind }) => kind.endsWith('Binding'))
    .flatMap(({ subjects }) => subjects as { name: string }[]);
  t.same([...new Set(bound.map(({ name }) => name))], ['meshcert-webhook']);
});

t.test('those of people are as setup prints them, and bound to nobody', async (t) => {
  const manifests = await helm.render(WITH_MONITORING);
  const [role] = listInspectManifests({ namespace: undefined, subjects: [] }) as Manifest[];
  t.same(findManifest(manifests, 'ClusterRole', 'meshcert-inspect').rules, role?.rules);
  t.notOk(JSON.stringify(manifests.filter(({ kind }) => kind.endsWith('Binding'))).includes('inspect'));
});

/** Of every service account, without any role of ours. */
const OF_ALL = /^\S+ create self\w+\./;

t.test('the API server sees them the same way', async (t) => {
  const [release, namespace] = [uniqueName('meshcert'), uniqueName('meshcert-system')];
  await installChart(cluster, {
    release,
    namespace,
    directory,
    // Others share this cluster.
    values: {
      ...WITH_SIGNER,
      webhook: { namespaceSelector: [{ key: 'meshcert-test', operator: 'In', values: [release] }] },
      signer: { enabled: true, allowedNamespaces: [namespace] },
    },
  });
  t.teardown(() => helm.run('uninstall', release, '--namespace', namespace));

  /** All that a service account of the release may do in a namespace. */
  async function ask(account: string, where: string): Promise<string[]> {
    const adminToken = await cluster.createToken(namespace, account);
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const { body } = await kubeClient({ ...cluster, adminToken }).api<{ status: { resourceRules: Rule[] } }>(
      'POST',
      path,
      { spec: { namespace: where } },
    );
    const rights = listRights(body.status.resourceRules, where).filter((right) => !OF_ALL.test(right));
    return [...new Set(rights)].sort();
  }
  const rename = (rights: readonly string[], where: string) =>
    rights
      .map((right) => right.replace(/^meshcert-system /, `${namespace} `).replace(/^\* /, `${where} `))
      .map((right) => right.replace(/ meshcert(-webhook)?$/, ` ${release}$1`))
      .filter((right) => right.startsWith(`${where} `))
      .sort();
  // A signer lives in a namespace of pods that may ask it, here.
  const everybody = ['create', 'get', 'watch'].map(
    (verb) => `${namespace} ${verb} certificatesigningrequests.certificates.k8s.io`,
  );
  const trust = `${namespace} get configmaps meshcert-trust-default`;

  const webhook = `${release}-webhook`;
  t.same(await ask(webhook, namespace), [...rename(webhookRights, namespace), ...everybody, trust].sort());
  const outside = everybody.map((right) => right.replace(namespace, 'kube-system'));
  t.same(await ask(webhook, 'kube-system'), [...rename(webhookRights, 'kube-system'), ...outside].sort());
  const signer = `${release}-signer-default`;
  const documented = listGrantedRights(signerPage, 'meshcert-signer');
  const expected = new Set([...rename(documented, namespace), ...everybody, trust]);
  t.same(await ask(signer, namespace), [...expected].sort());
});
