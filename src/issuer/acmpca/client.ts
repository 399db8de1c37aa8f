/**
 * The only file that knows the AWS SDK's client for AWS Private CA.
 *
 * @module
 */
import {
  ACMPCAClient,
  type CertificateAuthority,
  DescribeCertificateAuthorityCommand,
  GetCertificateAuthorityCertificateCommand,
  GetCertificateCommand,
  IssueCertificateCommand,
  type SigningAlgorithm,
} from '@aws-sdk/client-acm-pca';
import { AgentError } from '../../errors.ts';
import { derToPem } from '../../identity/pem.ts';
import type { AcmPcaConfig } from './config.ts';
import type { AwsCredentials } from './credentials.ts';
import { type Action, explainFailure } from './explain-failure.ts';
import type { CaDescription, PemChain, PrivateCa } from './private-ca.ts';
import { nameTemplate } from './template.ts';

export interface ConnectOptions {
  readonly config: AcmPcaConfig;
  readonly credentials: AwsCredentials;
  /** The end of all calls. */
  readonly signal: AbortSignal;
  readonly requestTimeoutMs: number;
  /** Gets AWS's clock at each answer, in milliseconds since 1970, without the parts of a second. */
  readonly clockSeen: (awsNowMs: number) => void;
}

/**
 * Opens no connection yet. The endpoint is that of the CA's region, unless AWS_ENDPOINT_URL_ACM_PCA or AWS_ENDPOINT_URL names
 * another. Nothing is tried twice here: whoever asks does, in its own time.
 */
export function connectPrivateCa(options: ConnectOptions): PrivateCa {
  const { config, credentials, signal, clockSeen } = options;
  const CertificateAuthorityArn = config.arn;
  const client = new ACMPCAClient({ region: config.region, credentials, maxAttempts: 1 });
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Readonly<Record<string, string>> };
      const atMs = Date.parse(headers?.date ?? '');
      if (!Number.isNaN(atMs)) clockSeen(atMs);
      return result;
    },
    { step: 'deserialize', name: 'meshcertClock', priority: 'low' },
  );

  /** A signal for each call: the SDK takes the place of whatever listens to the one that it is given. */
  async function call<T>(action: Action, send: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await send({ abortSignal: AbortSignal.any([signal]) });
    } catch (thrown) {
      throw explainFailure(thrown, action, options);
    }
  }

  return {
    async describe() {
      const action = 'DescribeCertificateAuthority';
      const command = new DescribeCertificateAuthorityCommand({ CertificateAuthorityArn });
      const { CertificateAuthority: found } = await call(action, (limits) => client.send(command, limits));
      return readDescription(found);
    },
    async issue({ csr, signingAlgorithm, endSeconds, token }) {
      const { commonName, partition } = config;
      const command = new IssueCertificateCommand({
        CertificateAuthorityArn,
        Csr: Buffer.from(derToPem('CERTIFICATE REQUEST', csr)),
        SigningAlgorithm: signingAlgorithm as SigningAlgorithm,
        Validity: { Type: 'ABSOLUTE', Value: endSeconds },
        IdempotencyToken: token,
        TemplateArn: nameTemplate(partition, commonName !== undefined),
        ...(commonName !== undefined && { ApiPassthrough: { Subject: { CommonName: commonName } } }),
      });
      const { CertificateArn } = await call('IssueCertificate', (limits) => client.send(command, limits));
      if (CertificateArn === undefined) throw refuseAnswer('IssueCertificate', 'it names no certificate');
      return CertificateArn;
    },
    async getCertificate(certificateArn) {
      const action = 'GetCertificate';
      const command = new GetCertificateCommand({ CertificateAuthorityArn, CertificateArn: certificateArn });
      const found = await call(action, (limits) =>
        client.send(command, limits).catch((thrown: Error) => {
          if (thrown.name === 'RequestInProgressException') return undefined;
          throw thrown;
        }),
      );
      return found && readChain(found, action);
    },
    async getCaCertificate() {
      const action = 'GetCertificateAuthorityCertificate';
      const command = new GetCertificateAuthorityCertificateCommand({ CertificateAuthorityArn });
      return readChain(await call(action, (limits) => client.send(command, limits)), action);
    },
    close: () => client.destroy(),
  };
}

function readDescription(found: CertificateAuthority | undefined): CaDescription {
  const signingAlgorithm = found?.CertificateAuthorityConfiguration?.SigningAlgorithm;
  if (found?.Status === undefined || signingAlgorithm === undefined) {
    throw refuseAnswer('DescribeCertificateAuthority', 'it lacks the status or the signing algorithm of the CA');
  }
  return {
    status: found.Status,
    signingAlgorithm,
    notAfterMs: found.NotAfter?.getTime(),
    isShortLived: found.UsageMode === 'SHORT_LIVED_CERTIFICATE',
  };
}

function readChain(found: { Certificate?: string; CertificateChain?: string }, action: Action): PemChain {
  if (found.Certificate === undefined) throw refuseAnswer(action, 'it holds no certificate');
  return { certificate: found.Certificate, chain: found.CertificateChain ?? '' };
}

function refuseAnswer(action: Action, why: string): AgentError {
  return new AgentError('ERR_CA_PROTOCOL', `the answer of AWS Private CA to ${action} cannot be used: ${why}`, {
    remedy: 'check AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_ACM_PCA, if they are set',
  });
}
