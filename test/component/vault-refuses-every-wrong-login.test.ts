import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { VaultAuth, VaultTls } from '../../src/issuer/vault/config.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';
import { STS_CALLER, setUpAuthMethods, useAwsCredentials } from '../helpers/vault-auth-methods.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';

const directory = temporaryDirectory(t);
const { cluster } = await sharedPeers(t);
const vault = await startVaultTls({ directory: join(directory, 'v') });
t.teardown(() => vault.stop());
const methods = await setUpAuthMethods(t, vault, { cluster, directory, policies: ['default'] });
useAwsCredentials(t, STS_CALLER);

const caCert = { kind: 'file', path: vault.caFile } as const;
const file = (name: string, content: string) => ({ kind: 'file', path: methods.write(name, content) }) as const;

/** Fails with one line that names cause and remedy, and no secret. */
async function isRefused(
  t: Test,
  auth: VaultAuth,
  message: RegExp | string,
  remedy: RegExp | string,
  { connection = {}, secrets = [] }: { connection?: Partial<VaultTls>; secrets?: readonly string[] } = {},
): Promise<void> {
  const vaultIssuer = openVaultIssuer({ address: vault.address, auth, tls: { caCert, ...connection } });
  t.teardown(() => vaultIssuer.issuer.close());
  const error = await vaultIssuer.fail();
  t.match(error, { code: /^ERR_(LOGIN_DENIED|SOURCE)$/, retry: 'slowly', message, remedy });
  t.notMatch(error.line, '\n');
  const said = vaultIssuer.said.join('\n');
  for (const secret of [...methods.secrets, ...secrets]) t.notOk(said.includes(secret), `${secret.slice(0, 4)}...`);
}

t.test('AppRole', async (t) => {
  const { approle } = methods;
  const wrong = /auth\/approle knows no such role ID and secret ID, or the secret ID has expired or is used up/;
  const canary = 'ca7a7a7a-0000-4000-8000-ca7a7a7aca7a';
  const secrets = [canary];
  await isRefused(t, { ...approle, secretId: file('wrong', canary) }, wrong, /secretId: vault write -f/, { secrets });
  await isRefused(t, { ...approle, roleId: file('wrong', canary) }, wrong, /role\/ROLE\/role-id/, { secrets });
  await isRefused(
    t,
    { ...approle, secretId: undefined },
    /the role demands a secret ID/,
    /set auth\.approle\.secretId/,
  );
  await isRefused(t, { ...approle, mountPath: 'auth/nope' }, /auth\/nope .* or is not there/, /vault auth list/);
  await isRefused(t, { ...approle, secretId: { kind: 'file', path: '/nowhere' } }, /cannot read \/nowhere/, /may read/);

  await vault.cli(['write', 'auth/approle/role/once', 'secret_id_num_uses=1', 'token_policies=default']);
  const read = async (...args: string[]) => (await vault.cli(args)).trim();
  const once = {
    ...approle,
    roleId: file('once-role', await read('read', '-field=role_id', 'auth/approle/role/once/role-id')),
    secretId: file('once-secret', await read('write', '-f', '-field=secret_id', 'auth/approle/role/once/secret-id')),
  };
  const first = openVaultIssuer({ address: vault.address, auth: once, tls: { caCert } });
  t.not((await first.fail()).code, 'ERR_LOGIN_DENIED', 'the first login is good');
  await isRefused(t, once, wrong, /store a new secret ID/);

  await vault.cli(['write', 'auth/approle/role/near', 'secret_id_bound_cidrs=10.9.9.9/32']);
  const near = {
    ...approle,
    roleId: file('near-role', await read('read', '-field=role_id', 'auth/approle/role/near/role-id')),
    secretId: file('near-secret', await read('write', '-f', '-field=secret_id', 'auth/approle/role/near/secret-id')),
  };
  await isRefused(t, near, /not for the address of this machine/, /widen secret_id_bound_cidrs/);
});

t.test('a role that does without a secret ID', async (t) => {
  await vault.cli(['write', 'auth/approle/role/open', 'bind_secret_id=false', 'token_bound_cidrs=127.0.0.1/32']);
  const roleId = (await vault.cli(['read', '-field=role_id', 'auth/approle/role/open/role-id'])).trim();
  const auth: VaultAuth = { method: 'approle', roleId: file('open', roleId), mountPath: 'auth/approle' };
  const vaultIssuer = openVaultIssuer({ address: vault.address, auth, tls: { caCert } });
  t.equal((await vaultIssuer.fail()).code, 'ERR_CA_DENIED', 'is logged in, and may nothing');
});

t.test('JWT', async (t) => {
  const { jwt } = methods;
  let count = 0;
  const withClaims = (claims: Readonly<Record<string, unknown>>) => {
    count += 1;
    return { ...jwt, token: file(`jwt-${count}`, methods.makeJwt(claims)) };
  };
  const nowSeconds = Math.floor(Date.now() / 1000);
  await isRefused(t, { ...jwt, role: 'nope' }, /no role "nope" in auth\/jwt/, /vault list auth\/jwt\/role/);
  await isRefused(t, { ...jwt, role: undefined }, /no default role|no role/, /set auth\.jwt\.role/);
  await isRefused(t, withClaims({ aud: 'other' }), /wants another audience than the JWT of ci\/web/, /bound_audiences/);
  await isRefused(t, withClaims({ team: 'stock' }), /not for the claims that the JWT of ci\/web has/, /bound_claims/);
  await isRefused(
    t,
    withClaims({ exp: nowSeconds - 3600 }),
    /the JWT of auth\.jwt expired at .*; our clock/,
    /renew it/,
  );
  await isRefused(t, withClaims({ nbf: nowSeconds + 3600 }), /by its clock, the JWT of ci\/web/, /compare the clocks/);
  const [head, claims] = methods.makeJwt({}).split('.');
  const forged = { ...jwt, token: file('forged', `${head}.${claims}.${'A'.repeat(86)}`) };
  await isRefused(t, forged, /issuer or the key that signed the JWT of ci\/web/, /vault read auth\/jwt\/config/);
  await isRefused(t, { ...jwt, mountPath: 'auth/nope' }, /auth\/nope .* or is not there/, /vault auth list/);
});

t.test('client certificate', async (t) => {
  const pairOf = async (...args: Parameters<typeof methods.makeClient>) => {
    const { certPem, keyPem } = await methods.makeClient(...args);
    return { connection: { clientCert: file('c.pem', certPem), clientKey: file('k.pem', keyPem) } };
  };
  const { connection, tls } = methods;
  await isRefused(t, tls, /no client certificate reached it/, /tls_disable_client_certs/);
  const denied = /the role "web" does not take our client certificate/;
  await isRefused(t, tls, denied, /vault read auth\/cert\/certs\/web/, await pairOf('unknown'));
  const anyRole = { ...tls, role: undefined };
  await isRefused(t, anyRole, /no role of auth\/cert takes our client/, /certs\/ROLE/, await pairOf('unknown'));
  await isRefused(t, { ...tls, role: 'nope' }, /"nope" does not take/, /vault read auth\/cert\/certs\/nope/, {
    connection,
  });
  await isRefused(t, tls, /has no common name/, /another way to log in/, await pairOf('known', {}));
  await isRefused(t, { ...tls, mountPath: 'auth/nope' }, /or is not there/, /vault auth list/, { connection });
});

t.test('AWS', async (t) => {
  const { aws } = methods;
  await isRefused(t, { ...aws, role: 'nope' }, /there is no role "nope" in auth\/aws/, /vault list auth\/aws\/roles/);
  const otherServer = { ...aws, iamServerIdHeader: 'other.example' };
  await isRefused(t, otherServer, /demands another server ID/, /iam_server_id_header_value of: vault read/);
  const noServer = { ...aws, iamServerIdHeader: undefined };
  await isRefused(t, noServer, /demands another server ID/, /vault read auth\/aws\/config\/client/);
  await isRefused(t, { ...aws, region: 'eu-central-1' }, /signature of our credentials for eu-central-1/, /sts_region/);
  await vault.shell(`vault write auth/aws/role/other auth_type=iam resolve_aws_unique_ids=false \\
    bound_iam_principal_arn=arn:aws:iam::123456789012:role/other token_policies=default`);
  await isRefused(t, { ...aws, role: 'other' }, /not for the IAM principal of our AWS/, /bound_iam_principal_arn/);

  const secretAccessKey = 'canary/wrong/secret/access/key/98765432';
  useAwsCredentials(t, { ...STS_CALLER, secretAccessKey });
  await isRefused(t, aws, /signature of our credentials/, /check the AWS credentials/, { secrets: [secretAccessKey] });
  t.equal(methods.stsAnswers.at(-1), 'SignatureDoesNotMatch');
  useAwsCredentials(t, { ...STS_CALLER, accessKeyId: '', secretAccessKey: '' });
  await isRefused(t, aws, 'no AWS credentials to log in with were found', /AWS_ACCESS_KEY_ID .* an IAM role/);
});
