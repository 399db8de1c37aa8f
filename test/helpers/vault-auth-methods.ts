import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { makePrivateKey } from '../../src/identity/key-pair.ts';
import { derToPem } from '../../src/identity/pem.ts';
import type { VaultAuth, VaultTls } from '../../src/issuer/vault/config.ts';
import type { Cluster } from './kube-client.ts';
import { configureKubernetesAuth } from './kubernetes-auth.ts';
import { type StsCaller, startStandInSts } from './stand-in-sts.ts';
import { inForce, type LeafOptions, TestCa } from './test-ca.ts';
import { uniqueName } from './unique-name.ts';
import type { Vault } from './vault-client.ts';
import { createWorkload } from './vault-login.ts';

type Auth<M extends VaultAuth['method']> = Extract<VaultAuth, { method: M }>;

export interface AuthMethods {
  readonly kubernetes: Auth<'kubernetes'>;
  readonly token: Auth<'token'>;
  readonly tls: Auth<'tls'>;
  readonly approle: Auth<'approle'>;
  readonly jwt: Auth<'jwt'>;
  readonly aws: Auth<'aws'>;
  /** The client certificate that `tls` logs in with, and the CA of Vault's own. */
  readonly connection: Partial<VaultTls>;
  /** What no output may hold. */
  readonly secrets: readonly string[];
  /** A JWT as `jwt` takes it, with other claims. */
  makeJwt(claims: Readonly<Record<string, unknown>>): string;
  /** A file with this content. */
  write(name: string, content: string): string;
  /** A client certificate of the CA that `tls` believes, or of another one. */
  makeClient(ca: 'known' | 'unknown', options?: LeafOptions): Promise<ClientPair>;
  /** What the stand-in for AWS STS has said so far. */
  readonly stsAnswers: readonly string[];
}

export interface ClientPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export const STS_CALLER = {
  accessKeyId: 'AKIACANARYCANARYCANA',
  secretAccessKey: 'canary/aws/secret/access/key/0123456789',
  sessionToken: 'canary-aws-session-token-0123456789',
  arn: 'arn:aws:sts::123456789012:assumed-role/web/i-0123456789abcdef0',
  userId: 'AROACANARY:i-0123456789abcdef0',
} as const satisfies StsCaller;

const SERVER_ID = 'vault.example';

/** Sets the AWS credentials of this process, until the test ends. */
export function useAwsCredentials(
  t: Pick<Test, 'teardown'>,
  { accessKeyId, secretAccessKey, sessionToken }: StsCaller,
): void {
  const wanted = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PROFILE: undefined,
  };
  const before = Object.fromEntries(Object.keys(wanted).map((name) => [name, process.env[name]]));
  const set = (values: Readonly<Record<string, string | undefined>>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(wanted);
  t.teardown(() => set(before));
}

/** Every way to log in to one Vault, set up at `auth/<method>` (`auth/cert` for `tls`) with a role `web`. */
export async function setUpAuthMethods(
  t: Pick<Test, 'teardown'>,
  vault: Vault,
  { cluster, directory, policies }: { cluster: Cluster; directory: string; policies: readonly string[] },
): Promise<AuthMethods> {
  const grants = `token_policies=${policies.join(',')}`;
  const write = (name: string, content: string) => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const file = (name: string, content: string) => ({ kind: 'file', path: write(name, content) }) as const;

  const token = (
    await vault.cli(['token', 'create', ...policies.map((name) => `-policy=${name}`), '-field=token'])
  ).trim();

  const mount = uniqueName('kubernetes');
  await configureKubernetesAuth(vault, cluster, mount);
  const workload = await createWorkload({ vault, cluster }, { directory, policies, mount });

  await vault.shell(`vault auth enable approle && vault write auth/approle/role/web ${grants}`);
  const roleId = (await vault.cli(['read', '-field=role_id', 'auth/approle/role/web/role-id'])).trim();
  const secretId = (await vault.cli(['write', '-f', '-field=secret_id', 'auth/approle/role/web/secret-id'])).trim();

  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuerFile = write('jwt-issuer.pem', issuer.publicKey.export({ format: 'pem', type: 'spki' }).toString());
  await vault.shell(`vault auth enable jwt && vault write auth/jwt/config jwt_validation_pubkeys=@${issuerFile}
vault write auth/jwt/role/web - <<'END'
{"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault", "bound_claims": {"team": "shop"},
 "token_policies": "${policies.join(',')}"}
END`);
  const makeJwt = (claims: Readonly<Record<string, unknown>>) => signJwt(issuer.privateKey, claims);
  const jwt = makeJwt({});

  const clientCa = await TestCa.makeRoot('workloads', inForce());
  const caFile = write('workloads.pem', clientCa.certificatePem);
  await vault.shell(`vault auth enable cert && vault write auth/cert/certs/web certificate=@${caFile} ${grants}`);
  const pair = await makePair(clientCa);

  const sts = await startStandInSts(STS_CALLER);
  t.teardown(() => sts.close());
  await vault.shell(`vault auth enable aws
vault write auth/aws/config/client sts_endpoint=${sts.address} sts_region=us-east-1 \\
  iam_server_id_header_value=${SERVER_ID}
vault write auth/aws/role/web auth_type=iam resolve_aws_unique_ids=false \\
  bound_iam_principal_arn=arn:aws:iam::123456789012:role/web ${grants}`);

  return {
    token: { method: 'token', token: file('token', `${token}\n`) },
    kubernetes: workload.auth,
    approle: {
      method: 'approle',
      roleId: file('role-id', roleId),
      secretId: file('secret-id', `${secretId}\n`),
      mountPath: 'auth/approle',
    },
    jwt: { method: 'jwt', role: 'web', token: file('jwt', jwt), mountPath: 'auth/jwt' },
    tls: { method: 'tls', role: 'web', mountPath: 'auth/cert' },
    aws: { method: 'aws', role: 'web', iamServerIdHeader: SERVER_ID, mountPath: 'auth/aws', region: 'us-east-1' },
    connection: { clientCert: file('client.pem', pair.certPem), clientKey: file('client-key.pem', pair.keyPem) },
    secrets: [
      token,
      workload.jwt,
      secretId,
      jwt,
      pair.keyPem.split('\n')[1] ?? '',
      STS_CALLER.secretAccessKey,
      STS_CALLER.sessionToken,
    ],
    makeJwt,
    write,
    makeClient: async (ca, options) =>
      makePair(ca === 'known' ? clientCa : await TestCa.makeRoot('strangers', inForce()), options),
    stsAnswers: sts.answers,
  };
}

async function makePair(ca: TestCa, options: LeafOptions = { subject: 'CN=web' }): Promise<ClientPair> {
  const key = await makePrivateKey('ec-p256');
  const certPem = derToPem('CERTIFICATE', await ca.signLeaf(key, { ...inForce(), ...options }));
  return { certPem, keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

/** ES256 (RFC 7518, 3.4), valid for an hour. */
function signJwt(key: KeyObject, claims: Readonly<Record<string, unknown>>): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nowSeconds = Math.floor(Date.now() / 1000);
  const all = { sub: 'ci/web', aud: 'vault', team: 'shop', iat: nowSeconds, exp: nowSeconds + 3600, ...claims };
  const content = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(all)}`;
  const signature = createSign('SHA256').update(content).sign({ key, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
}
