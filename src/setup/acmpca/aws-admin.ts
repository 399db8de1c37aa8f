import type { Clock } from '../../clock.ts';
import { AgentError } from '../../errors.ts';
import type { AcmPcaConfig } from '../../issuer/acmpca/config.ts';
import { type AwsCredentials, openCredentials } from '../../issuer/acmpca/credentials.ts';
import { type CaAdmin, openCaAdmin } from './ca-admin.ts';
import { type Iam, openIam } from './iam.ts';
import { openQuery, type QueryService, readTexts } from './query.ts';

/** The services of AWS that take part, as their administrator has them. */
export interface AwsAdmin {
  /** 12 digits: that of the credentials, which need not be the CA's. */
  readonly account: string;
  readonly cas: CaAdmin;
  readonly iam: Iam;
  close(): void;
}

export interface AdminPorts {
  readonly clock: Clock;
  /** Where endpoints may be named; the AWS SDK reads that of the process by itself. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const FIND_LIMIT_MS = 30_000;

/** IAM is one for all regions of a partition (AWS General Reference, "IAM endpoints"). */
const IAM_BY_PARTITION: Readonly<Record<string, { readonly host: string; readonly region: string }>> = {
  aws: { host: 'iam.amazonaws.com', region: 'us-east-1' },
  'aws-cn': { host: 'iam.cn-north-1.amazonaws.com.cn', region: 'cn-north-1' },
  'aws-us-gov': { host: 'iam.us-gov.amazonaws.com', region: 'us-gov-west-1' },
};

/**
 * With the credentials that the AWS SDK finds: never with those of the configuration, as what sets up is not what is set up.
 *
 * @throws AgentError
 */
export async function openAwsAdmin(config: AcmPcaConfig, { clock, environment }: AdminPorts): Promise<AwsAdmin> {
  const credentials = await findCredentials(config);
  const nowMs = () => clock.nowMs();
  const sts = openQuery(findSts(config, environment), credentials, nowMs);
  const [account] = readTexts(await sts('GetCallerIdentity'), 'Account');
  if (account === undefined) {
    throw new AgentError('ERR_CA_PROTOCOL', 'the answer of AWS STS to GetCallerIdentity cannot be used', {
      remedy: 'check AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS, if they are set',
    });
  }
  const cas = openCaAdmin(config.region, credentials, clock);
  const iam = openIam(openQuery(findIam(config, environment), credentials, nowMs));
  return { account, cas, iam, close: () => cas.close() };
}

async function findCredentials({ credentials: _, ...config }: AcmPcaConfig): Promise<AwsCredentials> {
  const nothing = { readSource: async () => '', observer: { credentialExpires: () => undefined } };
  return openCredentials(config, nothing)
    .find(AbortSignal.timeout(FIND_LIMIT_MS))
    .catch((thrown: unknown) => {
      const { code, message } = AgentError.from(thrown);
      throw new AgentError(code, message, {
        cause: thrown,
        remedy: 'those of an administrator are needed: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
      });
    });
}

type Place = Pick<AcmPcaConfig, 'partition' | 'loginRegion'>;

function findIam({ partition }: Place, environment: AdminPorts['environment']): QueryService {
  const { host, region } = IAM_BY_PARTITION[partition] ?? {};
  if (host === undefined || region === undefined) {
    throw new AgentError('ERR_CONFIG', `where IAM is in the partition ${partition} is not known here`, {
      remedy: 'run what is printed without --apply',
    });
  }
  const endpoint = environment.AWS_ENDPOINT_URL_IAM || environment.AWS_ENDPOINT_URL || `https://${host}`;
  return { name: 'AWS IAM', code: 'iam', endpoint, region, version: '2010-05-08' };
}

function findSts({ partition, loginRegion: region }: Place, environment: AdminPorts['environment']): QueryService {
  const host = `sts.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
  const endpoint = environment.AWS_ENDPOINT_URL_STS || environment.AWS_ENDPOINT_URL || `https://${host}`;
  return { name: 'AWS STS', code: 'sts', endpoint, region, version: '2011-06-15' };
}
