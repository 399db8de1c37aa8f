import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import type { CertManagerConfig } from '../../src/issuer/certmanager/config.ts';
import { startCertManager } from '../helpers/cert-manager.ts';
import { openCertManagerIssuer } from '../helpers/certmanager-issuer.ts';
import { runCommandLine } from '../helpers/command-line.ts';
import { runDoctor } from '../helpers/doctor.ts';
import { eventually } from '../helpers/eventually.ts';
import { startKubeApiserver } from '../helpers/kube-apiserver.ts';
import { makeServiceAccount, renderAdminKubeconfig, type ServiceAccount } from '../helpers/service-account.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

// ClusterIssuers and CRDs are the cluster's, so this one is not shared.
const whole = t;
const directory = temporaryDirectory(t);
const clusterDirectory = join(directory, 'cluster');
mkdirSync(clusterDirectory);
const cluster = await startKubeApiserver({ directory: clusterDirectory });
t.teardown(() => cluster.stop());
const adminFile = join(directory, 'admin');
writeFileSync(adminFile, renderAdminKubeconfig(cluster));

const renderMesh = (issuerRef: string) => `type: Mesh
name: default
mtls:
  enabledBackend: cm
  backends:
  - {name: cm, type: certmanager, dpCert: {rotation: {expiration: 1h}, requestTimeout: 3s}, conf: {issuerRef: ${issuerRef}}}`;
const CLUSTER_ISSUER = renderMesh('{name: mesh-ca, kind: ClusterIssuer}');

const setUp = (mesh: string, account: ServiceAccount, ...args: string[]) => {
  const file = join(directory, 'mesh.yaml');
  writeFileSync(file, mesh);
  const named = ['--service-account', `${account.namespace}/${account.name}`];
  return runCommandLine(['setup', 'certmanager', '-c', file, ...named, ...args], {
    directory,
    environment: { KUBECONFIG: adminFile },
  });
};
const examine = (mesh: string, account: ServiceAccount) =>
  runDoctor({ directory, mesh, environment: { KUBECONFIG: account.writeKubeconfig() } });

async function isReady(path: string): Promise<boolean> {
  const { body } = await cluster.api<{ status?: { conditions?: { type: string; status: string }[] } }>('GET', path);
  return body.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

const account = await makeServiceAccount(cluster, directory);

t.test('a cluster without cert-manager is told', async (t) => {
  const { code, finding, complaints } = await examine(CLUSTER_ISSUER, account);
  t.equal(code, 1, complaints.join('\n'));
  t.match(finding('reach'), { verdict: 'pass', cause: `namespace "${account.namespace}"` });
  t.match(finding('issuer'), { verdict: 'fail', cause: /^the cluster has no cert-manager/, remedy: /^install/ });
  t.match(finding('permissions'), {
    verdict: 'fail',
    cause: `we may not create, get, watch, delete certificaterequests in the namespace "${account.namespace}"`,
    command: new RegExp(`setup certmanager .*--service-account ${account.namespace}/NAME \\| kubectl apply`),
  });
  t.equal(finding('trial').verdict, 'skip');

  const config: CertManagerConfig = {
    kind: 'certmanager',
    issuerRef: { name: 'mesh-ca', kind: 'Issuer', group: 'cert-manager.io' },
    access: { kind: 'kubeconfig', paths: [adminFile] },
  };
  const { issuer, fail } = openCertManagerIssuer(config);
  t.teardown(() => issuer.close());
  t.equal((await fail()).reason, 'ca_refused_no_cert_manager', 'by the agent, too');
});

t.test('an API server that is away is told', async (t) => {
  const away = join(directory, 'away');
  const config = renderAdminKubeconfig({ ...cluster, url: 'https://127.0.0.1:1' });
  writeFileSync(away, config);
  const { finding } = await runDoctor({ directory, mesh: CLUSTER_ISSUER, environment: { KUBECONFIG: away } });
  t.match(finding('reach'), {
    verdict: 'fail',
    cause: /^cannot reach the Kubernetes API at https:\/\/127\.0\.0\.1:1 /,
  });
  const nowhere = await runDoctor({ directory, mesh: CLUSTER_ISSUER, environment: {} });
  t.match(nowhere.finding('reach'), { verdict: 'fail', cause: /this is no pod, and KUBECONFIG is not set/ });
});

t.test('applied with a CA of its own, it leads to certificates', async (t: Test) => {
  const logs = join(directory, 'cert-manager');
  mkdirSync(logs);
  await cluster.createNamespace('cert-manager');
  const running = await startCertManager(cluster, { directory: logs });
  whole.teardown(() => running.stop());

  const first = await setUp(CLUSTER_ISSUER, account, '--issuer', '--apply');
  t.equal(first.code, 0, first.error);
  t.same(
    first.out
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ')),
    [
      'made ClusterIssuer mesh-ca-self-signed',
      'made Certificate cert-manager/mesh-ca',
      'made ClusterIssuer mesh-ca',
      `made Role ${account.namespace}/meshcert-web`,
      `made RoleBinding ${account.namespace}/meshcert-web`,
      `made ClusterRole meshcert-${account.namespace}-web`,
      `made ClusterRoleBinding meshcert-${account.namespace}-web`,
    ],
  );
  await eventually('the issuer is ready', () => isReady('/apis/cert-manager.io/v1/clusterissuers/mesh-ca'));
  const { code, complaints, finding } = await examine(CLUSTER_ISSUER, account);
  t.equal(code, 0, complaints.join('\n'));
  t.same(complaints, []);
  t.match(finding('issuer'), { verdict: 'pass', cause: 'ClusterIssuer "mesh-ca" is ready' });
  const nowhere = join(directory, 'nowhere');
  writeFileSync(nowhere, renderAdminKubeconfig(cluster).replace('"namespace":"default"', '"namespace":"nowhere"'));
  const stray = await runDoctor({ directory, mesh: CLUSTER_ISSUER, environment: { KUBECONFIG: nowhere } });
  t.match(stray.finding('trial'), { verdict: 'fail', cause: /namespaces "nowhere" not found/ });
  t.match(finding('trial'), { verdict: 'pass', cause: /^spiffe:\/\/default\/web, serial .*, issued and verified$/ });

  const second = await setUp(CLUSTER_ISSUER, account, '--issuer', '--apply');
  t.equal(second.out.match(/^as it was /gm)?.length, 7, second.out);
});

t.test('what somebody else has changed stays, unless it is forced', async (t) => {
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${account.namespace}/roles/meshcert-web`;
  const role = (await cluster.api<{ rules: { verbs: string[] }[] }>('GET', path)).body;
  role.rules[0]?.verbs.splice(0, 1);
  await cluster.api('PUT', path, role);
  const denied = await examine(CLUSTER_ISSUER, account);
  t.match(denied.finding('permissions'), { verdict: 'fail', cause: /^we may not create certificaterequests/ });

  const left = await setUp(CLUSTER_ISSUER, account, '--apply');
  t.equal(left.code, 1);
  t.match(left.out, /^DIFFERS +Role .*\n.*left as it is, changed with --force$/m);
  const forced = await setUp(CLUSTER_ISSUER, account, '--apply', '--force');
  t.equal(forced.code, 0, forced.error);
  t.match(forced.out, /^changed +Role /m);
  t.same((await examine(CLUSTER_ISSUER, account)).complaints, []);
});

t.test('printed, for an Issuer of the namespace, it is all that an administrator has to apply', async (t) => {
  const mesh = renderMesh('{name: own-ca}');
  const other = await makeServiceAccount(cluster, directory, { namespace: account.namespace, name: 'api' });
  const { code, out, error } = await setUp(mesh, other, '--issuer');
  t.equal(code, 0, error);
  t.match(out, /^# By itself cert-manager approves every request/m);
  t.match(out, /^# kind: CertificateRequestPolicy$/m);
  for (const document of parseAllDocuments(out)) {
    const { apiVersion, kind, metadata } = document.toJS() as {
      apiVersion: string;
      kind: string;
      metadata: { namespace: string };
    };
    const path = `/apis/${apiVersion}/namespaces/${metadata.namespace}/${kind.toLowerCase()}s`;
    t.equal((await cluster.api('POST', path, document.toJS())).status, 201, kind);
  }
  const issuer = `/apis/cert-manager.io/v1/namespaces/${account.namespace}/issuers/own-ca`;
  await eventually('the issuer is ready', () => isReady(issuer));
  const examined = await examine(mesh, other);
  t.same(examined.complaints, []);
  t.match(examined.finding('issuer'), { verdict: 'pass', cause: 'Issuer "own-ca" is ready' });
});

t.test('what is missing or wrong is told in a line', async (t) => {
  const missing = await runCommandLine(['setup', 'certmanager', '-c', join(directory, 'mesh.yaml')], { directory });
  t.match(missing, { code: 2, error: /--service-account/ });
  const poor = { ...account, namespace: 'UPPER' };
  t.match(await setUp(CLUSTER_ISSUER, poor), {
    code: 2,
    error: /"UPPER\/web" names no service account; write it like/,
  });
  const builtin = 'type: Mesh\nname: default\nmtls: {enabledBackend: b, backends: [{name: b, type: builtin}]}';
  t.match(await setUp(builtin, account), { code: 2, error: /has no backend of the type certmanager/ });
  writeFileSync(join(directory, 'mesh.yaml'), CLUSTER_ISSUER);
  const denied = await runCommandLine(
    [
      'setup',
      'certmanager',
      '-c',
      join(directory, 'mesh.yaml'),
      '--service-account',
      `${account.namespace}/web`,
      '--apply',
    ],
    { directory, environment: { KUBECONFIG: account.writeKubeconfig() } },
  );
  t.match(denied, { code: 1, error: /Role .*meshcert-web: .* cannot get resource "roles".*grant it in a Role/ });
});
