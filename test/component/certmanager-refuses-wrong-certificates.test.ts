import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { installCrds } from '../helpers/cert-manager.ts';
import { makeTenant } from '../helpers/cert-manager-tenant.ts';
import { openCertManagerIssuer } from '../helpers/certmanager-issuer.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderAdminKubeconfig } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { condition, openStandInController, type Status, signed } from '../helpers/stand-in-controller.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

const { cluster } = await sharedPeers(t);
await installCrds(cluster);
const tenant = await makeTenant(t, cluster, { works: false });
const kubeconfig = join(tenant.directory, 'admin');
writeFileSync(kubeconfig, renderAdminKubeconfig(cluster));
const admin = { kind: 'kubeconfig', paths: [kubeconfig] } as const;
const controller = await openStandInController(t, cluster, { ...tenant, admin });

const issuerRef = { name: 'odd', kind: 'OddIssuer', group: 'odd.example' };
const config = { ...tenant.config, issuerRef };
const root = await TestCa.makeRoot('root', inForce());
const stranger = await TestCa.makeRoot('stranger', inForce());
const web = { uris: ['spiffe://default/web'], ...inForce() };
const rootPem = root.certificatePem;

type Answer = (key: KeyObject) => Promise<Status> | Status;

const MISTAKES: Readonly<Record<string, { reason: string; answer: Answer; says?: RegExp }>> = {
  'for somebody else': {
    reason: 'bad_certificate_spiffe_id',
    answer: async (key) => signed([await root.signLeaf(key, { ...web, uris: ['spiffe://default/admin'] })], rootPem),
  },
  'for us and somebody else': {
    reason: 'bad_certificate_spiffe_id',
    answer: async (key) =>
      signed([await root.signLeaf(key, { ...web, uris: ['spiffe://default/web', 'spiffe://default/b'] })], rootPem),
  },
  'for another key': {
    reason: 'bad_certificate_key_mismatch',
    answer: async () =>
      signed([await root.signLeaf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, web)], rootPem),
  },
  'whose chain does not verify': {
    reason: 'bad_certificate_chain',
    answer: async (key) => signed([await stranger.signLeaf(key, web)], rootPem),
  },
  'that has ended': {
    reason: 'bad_certificate_validity',
    answer: async (key) => {
      const [notBefore, notAfter] = [new Date(Date.now() - 7_200_000), new Date(Date.now() - 3_600_000)];
      return signed([await root.signLeaf(key, { ...web, notBefore, notAfter })], rootPem);
    },
  },
  'that is none': {
    reason: 'ca_protocol',
    answer: () => ({ ...signed([], rootPem), certificate: Buffer.from('no certificate').toString('base64') }),
  },
  'without a CA to trust': {
    reason: 'source_unknown_ca',
    answer: async (key) => signed([await root.signLeaf(key, web)], ''),
    says: /OddIssuer "odd" names no CA; set conf.caCert to the root of that CA$/,
  },
  'with a leaf for a CA': {
    reason: 'source_malformed',
    answer: async (key) => {
      const leaf = await root.signLeaf(key, web);
      return signed([leaf], `-----BEGIN CERTIFICATE-----\n${leaf.toString('base64')}\n-----END CERTIFICATE-----\n`);
    },
    says: /status\.ca of the CertificateRequest holds a certificate that is not that of a CA/,
  },
};

for (const [what, { reason, answer, says = /./ }] of Object.entries(MISTAKES)) {
  t.test(`a certificate ${what} is refused, by a reason of its own`, async (t) => {
    controller.answer(answer);
    const { issuer, fail } = openCertManagerIssuer(config);
    t.teardown(() => issuer.close());
    const error = await fail();
    t.equal(error.reason, reason, error.line);
    t.match(error.line, says);
    t.notMatch(error.line, /\n/);
    await eventually('the request is taken away', async () => (await tenant.listRequests()).length === 0);
  });
}

const REFUSALS: Readonly<Record<string, { reason: string; status: Status; says: RegExp; retry: string }>> = {
  denied: {
    reason: 'ca_denied_request_denied',
    status: { conditions: [condition('Denied', 'True', 'policy', 'no policy\nallows it')] },
    says: /^an approver of cert-manager denied the request to OddIssuer "odd": "no policy allows it"; let its policy allow spiffe:\/\/default\/web/,
    retry: 'slowly',
  },
  'denied, and told by the issuer alone': {
    reason: 'ca_denied_request_denied',
    status: { conditions: [condition('Ready', 'False', 'Denied', 'it was denied')] },
    says: /"it was denied"$/,
    retry: 'slowly',
  },
  failed: {
    reason: 'ca_refused_request_failed',
    status: { conditions: [condition('Ready', 'False', 'Failed', 'the backend had a hiccup')] },
    says: /failed: "the backend had a hiccup"$/,
    retry: 'soon',
  },
  invalid: {
    reason: 'ca_refused_invalid_request',
    status: { conditions: [condition('InvalidRequest', 'True', 'x', 'usages do not match')] },
    says: /calls the request to OddIssuer "odd" invalid: "usages do not match"$/,
    retry: 'slowly',
  },
};

for (const [what, { reason, status, says, retry }] of Object.entries(REFUSALS)) {
  t.test(`a request that is ${what} ends at once`, async (t) => {
    controller.answer(() => status);
    const { issuer, fail } = openCertManagerIssuer(config);
    t.teardown(() => issuer.close());
    const error = await fail();
    t.match(error, { reason, retry });
    t.match(error.line, says);
  });
}

t.test('a request that somebody deletes is told, and tried again soon', async (t) => {
  const path = `/apis/cert-manager.io/v1/namespaces/${tenant.namespace}/certificaterequests`;
  controller.answer(async (_, name) => {
    await cluster.api('DELETE', `${path}/${name}`);
    return undefined;
  });
  const { issuer, fail } = openCertManagerIssuer(config);
  t.teardown(() => issuer.close());
  t.match(await fail(), { reason: 'ca_unavailable_request_deleted', retry: 'soon' });
});

t.test('a chain that is written upside down is put in order, a shorter life is obeyed and told once', async (t) => {
  const intermediate = await root.makeIntermediate('intermediate', inForce());
  const notAfter = new Date(Date.now() + 600_000);
  controller.answer(async (key) => {
    const leaf = await intermediate.signLeaf(key, { ...web, notAfter });
    return signed([root.der, intermediate.der, leaf], rootPem);
  });
  const { issuer, issue, log } = openCertManagerIssuer(config);
  t.teardown(() => issuer.close());
  await issue();
  const { identity } = await issue();
  t.same(identity.chain.slice(1), [intermediate.der], 'leaf, intermediate, no root');
  t.same(identity.trustBundle, [root.der]);
  t.equal(Math.round(identity.notAfter.getTime() / 1000), Math.floor(notAfter.getTime() / 1000));
  t.equal(log.lines.filter((line) => /shorter-lived than asked/.test(line)).length, 1);
});

t.test('an intermediate as the highest CA known is trusted, with a warning', async (t) => {
  const intermediate = await root.makeIntermediate('intermediate', inForce());
  controller.answer(async (key) => signed([await intermediate.signLeaf(key, web)], intermediate.certificatePem));
  const { issuer, issue, log } = openCertManagerIssuer(config);
  t.teardown(() => issuer.close());
  const { identity } = await issue();
  t.same(identity.trustBundle, [intermediate.der]);
  t.match(log.lines.join('\n'), /no root is known, so peers are given an intermediate CA to trust.*set conf\.caCert/);
});

t.test('conf.caCert goes before what the answer names', async (t) => {
  const caCert = { kind: 'inline', value: rootPem } as const;
  controller.answer(async (key) => signed([await root.signLeaf(key, web)], ''));
  const pinned = openCertManagerIssuer({ ...config, caCert });
  t.teardown(() => pinned.issuer.close());
  t.same((await pinned.issue()).identity.trustBundle, [root.der], 'it need not name any');
  controller.answer(async (key) => signed([await stranger.signLeaf(key, web)], stranger.certificatePem));
  t.equal((await pinned.fail()).reason, 'bad_certificate_chain', 'and cannot name another');
});

t.test('the roots are known without issuing once the CA has named itself', async (t) => {
  controller.answer(async (key) => signed([await root.signLeaf(key, web)], rootPem));
  const { issuer, issue } = openCertManagerIssuer(config);
  t.teardown(() => issuer.close());
  const { signal } = new AbortController();
  await t.rejects(issuer.readRoots(signal), { code: 'ERR_SOURCE', detail: 'unknown_ca' });
  await issue();
  t.same(await issuer.readRoots(signal), [root.der]);
});

t.test('the request says all that approvers look at, and nothing else', async (t) => {
  controller.answer(async (key) => signed([await root.signLeaf(key, web)], rootPem));
  controller.seen.length = 0;
  const { issuer, issue } = openCertManagerIssuer(config);
  t.teardown(() => issuer.close());
  await issue();
  const [asked] = controller.seen;
  if (asked === undefined) throw new Error('nothing was asked');
  const { spec, metadata } = asked;
  t.match(spec, {
    issuerRef,
    duration: '3600s',
    usages: ['digital signature', 'key encipherment', 'server auth', 'client auth'],
  });
  t.not(spec.isCA, true);
  t.match(metadata.labels, { 'app.kubernetes.io/managed-by': 'meshcert' });
  t.match(metadata.annotations, { 'meshcert.io/spiffe-id': 'spiffe://default/web' });
});
