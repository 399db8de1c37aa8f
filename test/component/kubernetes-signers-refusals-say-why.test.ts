import t from 'tap';
import { AgentError } from '../../src/errors.ts';
import { makeCsr } from '../../src/identity/csr.ts';
import { makePrivateKey } from '../../src/identity/key-pair.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { verifyIssued } from '../../src/identity/verify.ts';
import type { KubernetesConfig } from '../../src/issuer/kubernetes/config.ts';
import { openIssuer } from '../../src/issuer/open.ts';
import { eventually } from '../helpers/eventually.ts';
import { makeHandSigner } from '../helpers/hand-signer.ts';
import { makeIssuerContext } from '../helpers/issuer-context.ts';
import { makeServiceAccount, type ServiceAccount } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makeSignerCluster } from '../helpers/signer-cluster.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const place = await makeSignerCluster(cluster, directory);
const spiffeId = new SpiffeId('default', '/web');
const never = () => new AbortController().signal;

/** An issuer for a signer that somebody plays by hand. */
async function openBench({ requestTimeoutMs = 10_000, account = place.web } = {}) {
  const signerName = `example.com/${uniqueName('hand')}`;
  const hand = await makeHandSigner(cluster, signerName);
  const config: KubernetesConfig = {
    kind: 'kubernetes',
    signerName,
    trust: { kind: 'source', source: { kind: 'inline', value: hand.rootPem } },
    access: account.access,
  };
  const context = makeIssuerContext({ requestTimeoutMs });
  const issuer = await openIssuer(config, context);
  t.teardown(() => issuer.close());
  const privateKey = await makePrivateKey('ec-p256');
  const csr = makeCsr(spiffeId, privateKey);
  const issue = () =>
    issuer.issue({ spiffeId, keyType: 'ec-p256', ttlSeconds: 3600, makeCsr: async () => csr }, never());
  const verify = (issued: Awaited<ReturnType<typeof issue>>) =>
    verifyIssued(issued, { spiffeId, privateKey }, Date.now()).identity;
  return { hand, config, issuer, log: context.log, issue, verify };
}

async function fail(work: Promise<unknown>): Promise<AgentError> {
  const thrown: unknown = await work.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (thrown instanceof AgentError) return thrown;
  throw new Error('it did not fail with an AgentError', { cause: thrown });
}

t.test('any signer of the cluster will do', async (t) => {
  const { hand, issue, verify } = await openBench();
  const issuing = issue();
  const request = await hand.waitForRequest();
  t.same(request.spec.usages?.toSorted(), ['client auth', 'digital signature', 'key encipherment', 'server auth']);
  t.equal(request.spec.expirationSeconds, 3600);
  t.equal(request.metadata.annotations, undefined, 'and is told nothing of ours');
  await hand.sign(await hand.approve(request), String(spiffeId));
  t.equal(String(verify(await issuing).spiffeId), String(spiffeId));
});

t.test(
  'a request that nobody approves, or signs, is told as that, and is found again by the next attempt',
  async (t) => {
    const { hand, issue, verify } = await openBench({ requestTimeoutMs: 1_000 });
    const first = await fail(issue());
    t.equal(first.reason, 'ca_unavailable_not_approved');
    t.match(
      first.line,
      /was not approved yet, within 1 s; see whether the signer runs, or approve it: kubectl certificate approve meshcert-/,
    );
    const approved = await hand.approve(await hand.waitForRequest());
    const second = await fail(issue());
    t.equal(second.reason, 'ca_unavailable_not_signed');
    await hand.sign(approved, String(spiffeId));
    t.ok(verify(await issue()));
    t.equal((await hand.list()).length, 1, 'one request in all');
  },
);

t.test('one that is denied, or that fails, is told with the reason, and the next attempt asks anew', async (t) => {
  const { hand, issue, verify } = await openBench();
  for (const [type, counted] of [
    ['Denied', 'ca_refused_denied'],
    ['Failed', 'ca_refused_failed'],
  ] as const) {
    const failing = fail(issue());
    await hand.addCondition(await hand.waitForRequest(), type, 'Because', `of\n${'x'.repeat(1000)}`);
    const error = await failing;
    t.equal(error.reason, counted);
    t.match(error.line, /Because: of x/);
    t.notMatch(error.line, /\n/);
    t.ok(error.line.length < 500);
  }
  const issuing = issue();
  await hand.sign(await hand.approve(await hand.waitForRequest()), String(spiffeId));
  t.ok(verify(await issuing));
});

t.test('one that somebody deletes is told as that', async (t) => {
  const { hand, issue } = await openBench();
  const failing = fail(issue());
  await hand.delete(await hand.waitForRequest());
  t.equal((await failing).reason, 'ca_unavailable_request_deleted');
});

t.test('certificates for others, or that lead nowhere, are refused', async (t) => {
  const { hand, issue, verify } = await openBench();
  const other = await makeHandSigner(cluster, 'example.com/other');
  for (const [signer, id, counted] of [
    [hand, 'spiffe://default/admin', 'bad_certificate_spiffe_id'],
    [other, String(spiffeId), 'bad_certificate_chain'],
  ] as const) {
    const refused = fail(issue().then(verify));
    const request = await hand.waitForRequest();
    await signer.sign(await hand.approve(request), id);
    t.equal((await refused).reason, counted);
    await hand.delete(request);
  }
});

t.test('a shorter life than asked for is told once', async (t) => {
  const { hand, issue, log } = await openBench();
  const issuing = issue();
  await hand.sign(await hand.approve(await hand.waitForRequest()), String(spiffeId), 900);
  await issuing;
  t.ok(log.lines.some((line) => line.includes('shorter-lived than asked')));
});

t.test('requests are taken away by those who may, and stay where they may not', async (t) => {
  const mayNot = await openBench();
  const issuing = mayNot.issue();
  await mayNot.hand.sign(await mayNot.hand.approve(await mayNot.hand.waitForRequest()), String(spiffeId));
  await issuing;
  await mayNot.issuer.close();
  t.equal((await mayNot.hand.list()).length, 1);
  t.notOk(
    mayNot.log.lines.some((line) => /WARN|ERROR/.test(line)),
    'nobody needs to know',
  );

  const account = await place.addWorkload('tidy');
  await grantDelete(account);
  const may = await openBench({ account, requestTimeoutMs: 1_000 });
  const tidying = may.issue();
  await may.hand.sign(await may.hand.approve(await may.hand.waitForRequest()), String(spiffeId));
  await tidying;
  await eventually('it is gone', async () => (await may.hand.list()).length === 0);

  const left = await openBench({ account, requestTimeoutMs: 1_000 });
  await fail(left.issue());
  t.equal((await left.hand.list()).length, 1, 'one without an answer stays');
  await left.issuer.close();
  t.equal((await left.hand.list()).length, 0, 'until the agent ends');
});

t.test('missing rights are told with the rule to grant', async (t) => {
  const account = await makeServiceAccount(cluster, directory);
  const { issue, issuer } = await openBench({ account });
  for (const error of [await fail(issue()), await fail(issuer.probe(never()))]) {
    t.equal(error.code, 'ERR_CA_DENIED');
    t.match(error.remedy, /ClusterRole: \{apiGroups: \["certificates\.k8s\.io"\]/);
  }
});

t.test('without anything to trust nothing is asked for', async (t) => {
  const { config, hand } = await openBench();
  const cases: readonly [KubernetesConfig['trust'], reason: string, RegExp][] = [
    [{ kind: 'clusterTrustBundles' }, 'source_unknown_ca', /serves no ClusterTrustBundles; set conf.caCert/],
    [{ kind: 'source', source: { kind: 'inline', value: 'x' } }, 'source_malformed', /conf\.caCert holds something/],
    [
      { ...place.issuerConfig(place.web).trust },
      'ca_unavailable_no_trust_bundle',
      /there is no ConfigMap .*get pods,leases/,
    ],
  ];
  for (const [trust, reason, line] of cases) {
    const issuer = await openIssuer({ ...config, trust }, makeIssuerContext());
    const request = { spiffeId, keyType: 'ec-p256', ttlSeconds: 60, makeCsr: async () => Buffer.from('x') } as const;
    for (const error of [await fail(issuer.issue(request, never())), await fail(issuer.readRoots(never()))]) {
      t.equal(error.reason, reason, error.line);
      t.match(error.line, line);
    }
    await issuer.close();
  }
  t.same(await hand.list(), []);
});

t.test('a request that the API server calls invalid is told without it', async (t) => {
  const { issuer } = await openBench();
  const csr = makeCsr(spiffeId, await makePrivateKey('ec-p256'));
  csr[csr.length - 1] = csr.readUInt8(csr.length - 1) ^ 1;
  const request = { spiffeId, keyType: 'ec-p256', ttlSeconds: 60, makeCsr: async () => csr } as const;
  const error = await fail(issuer.issue(request, never()));
  t.equal(error.code, 'ERR_CA_REFUSED');
  t.match(error.line, /verification failure/);
  t.notMatch(error.line, /[A-Za-z0-9+/=]{60}/);
});

async function grantDelete({ namespace, name }: ServiceAccount): Promise<void> {
  const metadata = { name: uniqueName('tidy') };
  const api = '/apis/rbac.authorization.k8s.io/v1';
  const rules = [{ apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests'], verbs: ['delete'] }];
  await cluster.api('POST', `${api}/clusterroles`, { metadata, rules });
  await cluster.api('POST', `${api}/clusterrolebindings`, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', namespace, name }],
  });
}
