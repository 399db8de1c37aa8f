import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pemToDer } from '../../src/identity/pem.ts';
import { openIssuer } from '../../src/issuer/open.ts';
import { trustConfigMapOf } from '../../src/kubernetes/mesh-signer.ts';
import { eventually } from '../helpers/eventually.ts';
import { makeIssuerContext } from '../helpers/issuer-context.ts';
import { startKubeApiserver } from '../helpers/kube-apiserver.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makeSignerCluster, runSigner } from '../helpers/signer-cluster.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);

t.test('the bundle of a builtin CA is there, is restored, and outlives a backend', async (t) => {
  const place = await makeSignerCluster(cluster, directory);
  const path = `/api/v1/namespaces/${place.namespace}/configmaps/${trustConfigMapOf(place.mesh)}`;
  const first = await runSigner(t, place);
  const bundle = (await place.trustConfigMap())?.['ca.crt'] ?? '';
  t.equal(pemToDer('CERTIFICATE', bundle).length, 1);

  await cluster.api('DELETE', path);
  first.sourcesChanged();
  await eventually('it is there again', async () => (await place.trustConfigMap())?.['ca.crt'] === bundle);

  const root = await TestCa.makeRoot('provided', inForce());
  const [cert, key] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  writeFileSync(cert, root.certificatePem);
  writeFileSync(key, root.keyPem);
  const source = (file: string) => ({ kind: 'file', path: file }) as const;
  const provided = {
    name: 'ca-2',
    ttlSeconds: 600,
    ca: { kind: 'provided', cert: source(cert), key: source(key) },
  } as const;
  first.reconfigure({ backends: [provided], enabledBackend: 'ca-2' });
  const trusted = await eventually('both are trusted', async () => {
    const { 'ca.crt': all = '', ...data } = (await place.trustConfigMap()) ?? {};
    return pemToDer('CERTIFICATE', all).length === 2 && data;
  });
  t.equal(trusted['backend-ca-1.crt'], bundle, 'certificates under the one that has gone are still about');
  t.same(pemToDer('CERTIFICATE', trusted['backend-ca-2.crt'] ?? ''), [root.der]);

  const issuer = await openIssuer(place.issuerConfig(place.web, 'ca-2'), makeIssuerContext());
  t.same(await issuer.readRoots(new AbortController().signal), [root.der]);
  await issuer.close();

  writeFileSync(key, 'no key');
  first.sourcesChanged();
  await eventually('a damaged CA is told', () =>
    first.log.lines.some((line) => line.includes('the one of before stays in use')),
  );
  t.ok(first.observation.ready().ok);
  t.match(await first.observation.metrics.render(), /^meshcert_signer_ca_usable\{backend="ca-2"\} 0$/m);
});

t.test('a stored CA that was damaged is told and not replaced', async (t) => {
  const place = await makeSignerCluster(cluster, directory);
  const secrets = `/api/v1/namespaces/${place.namespace}/secrets`;
  const name = `${place.mesh}.ca-builtin-key-ca-1`;
  const first = await runSigner(t, place);
  const before = await cluster.api<{ data: Record<string, string> }>('GET', `${secrets}/${name}`);
  t.match(Buffer.from(before.body.data.value ?? '', 'base64').toString(), /BEGIN PRIVATE KEY/);
  await first.stop();
  const changed = { ...before.body, data: { value: Buffer.from('no key').toString('base64') } };
  await cluster.api('PUT', `${secrets}/${name}`, changed);
  await t.rejects(
    runSigner(t, place),
    /holds something that is no PEM instead of a private key/,
    'and it is not ready',
  );
  t.match((await place.trustConfigMap())?.['ca.crt'], /BEGIN CERTIFICATE/, 'and what was trusted stays');
});

t.test('where the API server has ClusterTrustBundles, one of them has it, too', async (t) => {
  const modern = await startKubeApiserver({
    directory: join(directory, 'modern'),
    options: [
      '--feature-gates=ClusterTrustBundle=true',
      '--runtime-config=certificates.k8s.io/v1beta1/clustertrustbundles=true',
    ],
  });
  t.teardown(() => modern.stop());
  const place = await makeSignerCluster(modern, directory);
  await runSigner(t, place);
  const { body } = await modern.api<{ spec: { trustBundle: string; signerName: string } }>(
    'GET',
    `/apis/certificates.k8s.io/v1beta1/clustertrustbundles/meshcert.io:${place.mesh}:trust`,
  );
  t.equal(body.spec.trustBundle, (await place.trustConfigMap())?.['ca.crt']);
  t.equal(body.spec.signerName, place.signerName);

  const { backend: _, ...config } = place.issuerConfig(place.web);
  const issuer = await openIssuer({ ...config, trust: { kind: 'clusterTrustBundles' } }, makeIssuerContext());
  t.same(await issuer.readRoots(new AbortController().signal), pemToDer('CERTIFICATE', body.spec.trustBundle));
  await issuer.close();
});
