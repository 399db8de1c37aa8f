import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { setUpKubernetesMesh } from '../helpers/setup-kubernetes-login.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const peers = await sharedPeers(t);
const { vault, cluster } = peers;
const directory = temporaryDirectory(t);
const mesh = await setUpKubernetesMesh(peers, directory);
const { mountPath, role, namespace } = mesh;
const rolePath = `${mountPath}/role/${role}`;

async function examine(changes?: Parameters<typeof mesh.renderAuth>[0]) {
  return runDoctor({ directory, mesh: mesh.render({ auth: mesh.renderAuth(changes) }) });
}

function writeToken(jwt: string): string {
  const path = join(directory, uniqueName('token'));
  writeFileSync(path, jwt, { mode: 0o600 });
  return path;
}

t.test('what setup made is found without fault', async (t) => {
  const { code, complaints, finding, findings } = await examine();
  t.same(complaints, []);
  const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (`.*?) \|/gm)].map(([, names = '']) => names.replaceAll('`', '').split(', '));
  t.same(
    findings.map(({ check }) => check),
    rows.flat().filter((check) => check !== 'proxy'),
    'every check is documented, in its order; that of a proxy is made where there is one',
  );
  t.equal(code, 0);
  t.match(finding('service-account-token'), {
    verdict: 'pass',
    cause: new RegExp(`of ${namespace}/web, for vault, issued by https://kubernetes.default.svc`),
  });
  t.match(finding('token').cause, `meshcert-${mesh.pki}-dataplanes`);
});

t.test('who logs in is not who may, and the command lets them', async (t) => {
  await vault.cli(['write', rolePath, 'bound_service_account_names=other']);
  const wrongName = (await examine()).finding('login');
  t.match(wrongName, { verdict: 'fail', cause: `is not for the service account ${namespace}/web` });
  await vault.shell(wrongName.command ?? 'exit 1');
  t.equal((await examine()).finding('login').verdict, 'pass');
  const { body } = await vault.api('GET', rolePath);
  t.same(body.data?.bound_service_account_names, ['other', 'web'], 'and takes it from nobody');

  await vault.cli(['write', rolePath, 'bound_service_account_namespaces=elsewhere']);
  const wrongNamespace = (await examine()).finding('login');
  t.match(wrongNamespace, { verdict: 'fail', cause: `is not for the namespace of ${namespace}/web` });
  await vault.shell(wrongNamespace.command ?? 'exit 1');
  t.equal((await examine()).finding('login').verdict, 'pass');

  await vault.cli(['write', rolePath, 'audience=elsewhere']);
  const wrongAudience = (await examine()).finding('login');
  t.match(wrongAudience, { verdict: 'fail', cause: /wants another audience than the token has \(vault\)/ });
  await vault.shell(wrongAudience.command ?? 'exit 1');
  t.equal((await examine()).finding('login').verdict, 'pass');
});

t.test('a role that is not there, and the command makes it', async (t) => {
  const { finding, code } = await examine({ role: 'nope' });
  const found = finding('login');
  t.match(found, { verdict: 'fail', cause: `there is no role "nope" in ${mountPath}` });
  t.match(finding('trial'), { verdict: 'skip', waitsFor: 'login' });
  t.equal(code, 1);
  await vault.shell(found.command ?? 'exit 1');
  const mended = await examine({ role: 'nope' });
  t.same(mended.complaints, []);
});

t.test('a method that is not there, or knows no cluster, or may not ask it', async (t) => {
  t.match((await examine({ mountPath: '/v1/auth/nope' })).finding('login'), {
    verdict: 'fail',
    cause: /auth\/nope does not believe the token of .* or is not there/,
    command: /vault auth list/,
  });
  const other = uniqueName('k8s');
  await vault.cli(['auth', 'enable', `-path=${other}`, 'kubernetes']);
  const { body } = await vault.api('GET', rolePath);
  await vault.api('POST', `auth/${other}/role/${role}`, body.data);
  const untold = (await examine({ mountPath: other })).finding('login');
  t.match(untold, { verdict: 'fail', cause: `auth/${other} has not been told of a cluster yet` });
  t.match(untold.command, `vault write auth/${other}/config kubernetes_host=`);
  await vault.cli([
    ...['write', `auth/${other}/config`, `kubernetes_host=${cluster.url}`],
    ...[`kubernetes_ca_cert=@${cluster.caFile}`, 'disable_local_ca_jwt=true'],
  ]);
  t.match((await examine({ mountPath: other })).finding('login'), {
    verdict: 'fail',
    cause: /cannot have it reviewed/,
    command: `kubectl create clusterrolebinding vault-token-review --clusterrole=system:auth-delegator --serviceaccount=${namespace}:web`,
  });
});

t.test('tokens that Vault would only deny', async (t) => {
  const expect = async (changes: Parameters<typeof examine>[0], wanted: object) => {
    const { finding } = await examine(changes);
    t.match(finding('service-account-token'), wanted);
    return finding;
  };
  const missing = await expect(
    { tokenPath: '/nowhere/token' },
    { verdict: 'fail', cause: /cannot read \/nowhere\/token: no such file/, remedy: /project a serviceAccountToken/ },
  );
  t.match(missing('login'), { verdict: 'skip', waitsFor: 'service-account-token' });
  await expect({ tokenPath: writeToken('hvs.CANARY') }, { verdict: 'fail', cause: /not a service-account token/ });
  await expect(
    { audience: 'api' },
    { verdict: 'fail', cause: /is for "vault", not for the audience "api"/, remedy: /audience: api/ },
  );
  const jwt = await cluster.createToken(namespace, 'web', { audiences: ['vault'] });
  const [head = '', claims = '', signature = ''] = jwt.split('.');
  const resign = (changes: object) => {
    const text = JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()), ...changes });
    return writeToken([head, Buffer.from(text).toString('base64url'), signature].join('.'));
  };
  const expired = resign({ exp: Math.floor(Date.now() / 1000) - 3600 });
  await expect({ tokenPath: expired }, { verdict: 'fail', cause: /expired at .*; our clock shows/ });
  await expect({ tokenPath: resign({ exp: undefined }) }, { verdict: 'warn', cause: /never ends/ });
});

t.test('a token that would also open the cluster', async (t) => {
  const tokenPath = writeToken(await cluster.createToken(namespace, 'web'));
  await vault.cli(['write', rolePath, 'audience=']);
  const { body } = await vault.api('GET', rolePath);
  t.notOk(body.data?.audience);
  const mount = mesh.renderAuth({ tokenPath }).replace(/, audience: vault/, '');
  const { finding } = await runDoctor({ directory, mesh: mesh.render({ auth: mount }) });
  t.match(finding('service-account-token'), {
    verdict: 'warn',
    cause: /may use it against the API of the cluster/,
    remedy: /audience: vault/,
  });
  t.equal(finding('trial').verdict, 'pass');
});
