import { AgentError } from '../../errors.ts';
import type { IssuerContext, IssuerObserver } from '../issuer.ts';
import type { AcmPcaConfig } from './config.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface CredentialsContext extends Pick<IssuerContext, 'readSource'> {
  readonly observer: Pick<IssuerObserver, 'credentialExpires'>;
}

export interface CredentialsFinder {
  /**
   * Those of the configuration, read anew; else those that the AWS SDK finds, in its order: environment, files, web identity
   * (IRSA), container (EKS Pod Identity, ECS), machine (EC2). The latter are kept until 5 minutes before their end.
   *
   * @throws AgentError `ERR_SOURCE`, `ERR_LOGIN_DENIED`
   */
  find(signal: AbortSignal): Promise<AwsCredentials>;
  /** They were not accepted: others may be there now. */
  forget(): void;
}

const HOW_TO_GIVE =
  'give this pod or machine an IAM role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or ' +
  'conf.auth.awsCredentials';

export function openCredentials(
  { credentials: configured, loginRegion }: AcmPcaConfig,
  { readSource, observer }: CredentialsContext,
): CredentialsFinder {
  let search: (() => Promise<AwsCredentials>) | undefined;

  async function searchAll(): Promise<AwsCredentials> {
    if (search === undefined) {
      const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
      search = defaultProvider({ clientConfig: { region: loginRegion } });
    }
    return search();
  }

  return {
    async find(signal) {
      if (configured !== undefined) {
        const [accessKeyId, secretAccessKey] = await Promise.all([
          readWord(await readSource(configured.accessKey), 'accessKey'),
          readWord(await readSource(configured.accessKeySecret), 'accessKeySecret'),
        ]);
        return { accessKeyId, secretAccessKey };
      }
      const found = await orAborted(searchAll(), signal).catch((thrown: unknown) => {
        throw explainSearch(thrown, signal);
      });
      if (found.expiration !== undefined) observer.credentialExpires('aws_credentials', found.expiration.getTime());
      return found;
    },
    forget: () => {
      search = undefined;
    },
  };
}

/** The SDK would sign with anything, and AWS would only find that the signature is wrong. */
function readWord(text: string, name: 'accessKey' | 'accessKeySecret'): string {
  const word = text.trim();
  if (!/\s/.test(word)) return word;
  throw new AgentError('ERR_SOURCE', `conf.auth.awsCredentials.${name} holds more than one word`, {
    remedy: 'put the value alone there',
  });
}

function explainSearch(thrown: unknown, signal: AbortSignal): AgentError {
  const { name, message } = thrown instanceof Error ? thrown : { name: '', message: '' };
  if (signal.aborted || name === 'CredentialsProviderError' || name === 'ProviderError') {
    const late = signal.aborted ? ' in time' : '';
    return new AgentError('ERR_SOURCE', `no AWS credentials were found${late}`, { remedy: HOW_TO_GIVE, cause: thrown });
  }
  // What STS says to a web identity or a role to be assumed: a name from a list of its own, and its reason.
  const said = message.replace(/[\s\p{Cc}"]+/gu, ' ').slice(0, 300);
  return new AgentError('ERR_LOGIN_DENIED', `no AWS credentials could be had: ${name}: "${said}"`, {
    remedy: 'check AWS_ROLE_ARN, and that the trust policy of that role names this workload',
    cause: thrown,
  });
}

/** The search may ask a metadata service that is not there, and takes no signal. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { signal: done.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    done.abort();
  }
}
