import { X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openVault } from '../../src/issuer/vault/index.ts';
import { issueIdentity } from '../../src/rotation/issue-identity.ts';
import { makeIssuerContext } from '../helpers/issuer-context.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';
import { startVault } from '../helpers/vault.ts';

const directory = temporaryDirectory(t);
const { cluster } = await sharedPeers(t);
mkdirSync(join(directory, 'v'));
const vault = await startVault({ directory: join(directory, 'v') });
t.teardown(() => vault.stop());

/** The commands of "Create a Vault CA integration", with the names of its examples. */
const COMMANDS = `
vault secrets enable pki
vault write -field=certificate pki/root/generate/internal common_name="svc" ttl=8760h > CA_cert.crt
vault write pki/config/urls issuing_certificates="$VAULT_ADDR/v1/pki/ca" \\
  crl_distribution_points="$VAULT_ADDR/v1/pki/crl"
vault secrets enable -path=pki_int pki
vault write -field=csr pki_int/intermediate/generate/internal common_name="svc Intermediate Authority" \\
  > pki_intermediate.csr
vault write -field=certificate pki/root/sign-intermediate csr=@pki_intermediate.csr \\
  format=pem_bundle ttl=4380h > intermediate.cert.pem
vault write pki_int/intermediate/set-signed certificate=@intermediate.cert.pem
vault policy write pki_int - <<EOF
path "pki_int*" { capabilities = ["read", "list"] }
path "pki_int/sign/example-dot-com" { capabilities = ["create", "update"] }
path "pki_int/issue/example-dot-com" { capabilities = ["create"] }
EOF
vault write pki_int/roles/example-dot-com \\
allowed_domains="svc" allow_subdomains=true \\
max_ttl="720h" require_cn=false \\
allowed_uri_sans="spiffe://domain.name/*"
CLUSTER_NAME=my_cluster_name
vault auth enable --path=$CLUSTER_NAME kubernetes
vault write auth/$CLUSTER_NAME/config \\
  kubernetes_host="${cluster.url}" \\
  kubernetes_ca_cert=@${cluster.caFile}
vault write auth/$CLUSTER_NAME/role/pki_int \\
  bound_service_account_names=vault-issuer \\
  bound_service_account_namespaces=istio-system \\
  policies=pki_int \\
  ttl=1h
`;

const chain = await vault.shell(`{ ${COMMANDS} } >&2; cat CA_cert.crt intermediate.cert.pem`);
writeFileSync(join(directory, 'chain.pem'), chain);
await cluster.createNamespace('istio-system');
await cluster.createServiceAccount('istio-system', 'vault-issuer');
// There, Vault has no token of its own for the cluster, so it asks with the one that it is shown.
await cluster.bindClusterRole('system:auth-delegator', 'istio-system', 'vault-issuer');
writeFileSync(join(directory, 'token'), await cluster.createToken('istio-system', 'vault-issuer'));

function load(trustDomain: string) {
  const text = `type: Mesh
name: default
mtls:
  enabledBackend: tanzu
  backends:
  - name: tanzu
    type: vault
    conf:
      fromCp:
        address: ${vault.address}
        pkiPath: pki_int/sign/example-dot-com
        namespace: ""
        caChain: {file: chain.pem}
        auth:
          kubernetes: {role: pki_int, mountPath: /v1/auth/my_cluster_name, tokenPath: token}
---
type: Agent
service: web
trustDomain: ${trustDomain}
`;
  const { config, problems } = loadConfig({
    sources: [{ file: 'tanzu.yaml', text }],
    environment: {},
    hostName: 'host',
    currentDirectory: directory,
  });
  const issuer = config?.backend?.issuer;
  if (config === undefined || issuer?.kind !== 'vault' || problems.length > 0)
    throw new Error(JSON.stringify(problems));
  return { spiffeId: config.spiffeId, issuer };
}

function issue(trustDomain: string) {
  const { spiffeId, issuer } = load(trustDomain);
  const opened = openVault(issuer, makeIssuerContext({ trustDomain }));
  t.teardown(() => opened.close());
  const wanted = { spiffeId, keyType: 'ec-p256', mayChangeKeyType: true, ttlSeconds: 3600 } as const;
  return issueIdentity(wanted, { issuer: opened, clock: systemClock }, new AbortController().signal);
}

const subjectOf = (der: Buffer) => new X509Certificate(der).subject;

t.test('every field of the form, as it is filled in there', async (t) => {
  const { identity } = await issue('domain.name');
  t.equal(String(identity.spiffeId), 'spiffe://domain.name/web');
  t.same(identity.chain.slice(1).map(subjectOf), ['CN=svc Intermediate Authority']);
  t.same(identity.trustBundle.map(subjectOf), ['CN=svc']);
});

t.test('a trust domain that is not that of allowed_uri_sans is named with what to run', async (t) => {
  await t.rejects(issue('cluster.local'), {
    code: 'ERR_CA_REFUSED',
    message: /the role "example-dot-com" does not allow spiffe:\/\/cluster\.local\/web/,
    remedy: /vault patch pki_int\/roles\/example-dot-com allowed_uri_sans="spiffe:\/\/cluster\.local\/\*"/,
  });
});

t.test('a bundle of more than one root and two intermediates is refused', async (t) => {
  const another = await TestCa.makeRoot('another', inForce());
  writeFileSync(join(directory, 'chain.pem'), `${chain}\n${another.certificatePem}`);
  await t.rejects(issue('domain.name'), {
    code: 'ERR_SOURCE',
    message: /conf\.fromCp\.caChain cannot be used: it holds 2 roots, and one is allowed/,
  });
});
