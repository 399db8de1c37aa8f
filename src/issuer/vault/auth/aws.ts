/**
 * Comes by `import()`, and brings the packages of AWS with it.
 *
 * @module
 */
import { Sha256 } from '@aws-crypto/sha256-js';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { AgentError } from '../../../errors.ts';
import type { IssuerContext } from '../../issuer.ts';
import type { VaultAuth } from '../config.ts';
import { type LoginRefusal, type LoginRequest, refuseAsDenied } from './login-request.ts';

type AwsAuth = Extract<VaultAuth, { method: 'aws' }>;

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

const SERVER_ID_HEADER = 'X-Vault-AWS-IAM-Server-ID';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

/**
 * By a request to STS that only the holder of AWS credentials can sign, and that Vault passes on ("IAM auth method"). It
 * is signed here (Signature Version 4) and never sent from here. Credentials are looked for anew at each login, where
 * the AWS SDK looks for them.
 *
 * @throws AgentError `ERR_SOURCE` when there are none.
 */
export async function prepareAwsLogin(auth: AwsAuth, context: IssuerContext): Promise<LoginRequest> {
  const credentials = await findCredentials(context);
  const { expiration } = credentials;
  if (expiration !== undefined) context.observer.credentialExpires('aws_credentials', expiration.getTime());
  const host = nameStsHost(auth.region);
  const headers = await signHeaders(auth, host, credentials, context.clock.nowMs());
  const body = {
    ...(auth.role !== undefined && { role: auth.role }),
    iam_http_request_method: 'POST',
    iam_request_url: encode(`https://${host}/`),
    iam_request_body: encode(BODY),
    iam_request_headers: encode(JSON.stringify(headers)),
  };
  const { authorization = '' } = headers;
  const signature = authorization.split('Signature=')[1] ?? authorization;
  const secrets = [body.iam_request_headers, credentials.sessionToken, authorization, signature];
  return { body, secrets: secrets.filter((secret) => secret !== undefined), refusals: listRefusals(auth) };
}

/** The search may ask a metadata service that is not there, and takes no signal. */
async function findCredentials({ clock, requestTimeoutMs }: IssuerContext): Promise<Credentials> {
  const found = new AbortController();
  try {
    const search = defaultProvider({ ignoreCache: true })();
    const isLate = clock.sleep(requestTimeoutMs, found.signal).then(() => undefined);
    const credentials = await Promise.race([search, isLate]);
    if (credentials === undefined) throw new Error('time is up');
    return credentials;
  } catch (cause) {
    throw new AgentError('ERR_SOURCE', 'no AWS credentials to log in with were found', {
      remedy:
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this pod, task or machine an IAM role',
      cause,
    });
  } finally {
    found.abort();
  }
}

/** Sends nothing. Every header is signed, that of the server's ID too, as Vault demands. */
async function signHeaders(
  { region, iamServerIdHeader }: AwsAuth,
  host: string,
  credentials: Credentials,
  nowMs: number,
): Promise<Readonly<Record<string, string>>> {
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 });
  const request = {
    method: 'POST',
    protocol: 'https:',
    hostname: host,
    path: '/',
    headers: {
      host,
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      ...(iamServerIdHeader !== undefined && { [SERVER_ID_HEADER]: iamServerIdHeader }),
    },
    body: BODY,
  };
  const { headers } = await signer.sign(request, { signingDate: new Date(nowMs) });
  return headers;
}

/** The endpoint that takes signatures for the region (AWS, "STS Regions and endpoints"). */
function nameStsHost(region: string): string {
  if (region === 'us-east-1') return 'sts.amazonaws.com';
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** What the AWS plugin says (its path_login.go). */
function listRefusals({ role, mountPath, region }: AwsAuth): LoginRefusal[] {
  const name = role === undefined ? 'named like the IAM principal' : `"${role}"`;
  const show = `vault read ${mountPath}/role/${role ?? 'ROLE'}`;
  return [
    {
      pattern: /entry for role .* not found/,
      why: `there is no role ${name} in ${mountPath}`,
      remedy: `set auth.aws.role to one of: vault list ${mountPath}/roles`,
    },
    {
      pattern: /auth method iam not allowed/,
      why: `the role ${name} is for EC2 identity documents, and we log in by IAM`,
      remedy: `use a role with auth_type=iam; see: ${show}`,
    },
    {
      pattern: /does not belong to the role/,
      why: `the role ${name} is not for the IAM principal of our AWS credentials`,
      remedy: `add it to bound_iam_principal_arn: ${show}`,
    },
    {
      pattern: /validating X-Vault-AWS-IAM-Server-ID header/i,
      why: `${mountPath} demands another server ID than auth.aws.iamServerIdHeader says`,
      remedy: `set it to iam_server_id_header_value of: vault read ${mountPath}/config/client`,
    },
    {
      pattern: /RequestExpired|Signature expired|not yet current/,
      why: 'AWS finds the signed request too old or too new',
      remedy: 'set the clock of this machine',
    },
    {
      pattern: /error code 40[0-9] from STS/,
      why: `AWS does not accept the signature of our credentials for ${region}`,
      remedy:
        'check the AWS credentials of this process, and set auth.aws.region to sts_region of: ' +
        `vault read ${mountPath}/config/client`,
    },
    {
      pattern: /error making upstream request/,
      why: 'it cannot ask AWS STS who we are',
      remedy: `check that Vault reaches sts_endpoint of: vault read ${mountPath}/config/client`,
    },
    refuseAsDenied('our AWS credentials', mountPath, 'and that auth.aws.mountPath names it'),
  ];
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
