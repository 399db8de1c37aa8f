/**
 * What the errors of AWS mean for whoever has to mend them (AWS Private CA API reference, "Errors" and "Common errors").
 *
 * @module
 */
import { AgentError, type AgentErrorOptions, type ErrorCode } from '../../errors.ts';
import type { AcmPcaConfig } from './config.ts';

export type Action =
  | 'DescribeCertificateAuthority'
  | 'IssueCertificate'
  | 'GetCertificate'
  | 'GetCertificateAuthorityCertificate';

export interface FailureContext {
  readonly config: Pick<AcmPcaConfig, 'arn' | 'region' | 'credentials' | 'commonName'>;
  readonly signal: AbortSignal;
  readonly requestTimeoutMs: number;
}

interface Meaning extends Pick<AgentErrorOptions, 'remedy' | 'retry' | 'detail'> {
  readonly code: ErrorCode;
  readonly why: string;
}

/** What an error of the SDK holds besides its name and message. */
interface AwsError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const MAX_COMPLAINT = 300;

const CHECK_ARN = 'check conf.arn, and that the credentials are of its account, or that the CA is shared with it';
const THROTTLED: Meaning = {
  code: 'ERR_CA_THROTTLED',
  why: 'too many requests',
  remedy: 'if this goes on, have the quota of AWS Private CA raised (Service Quotas)',
};
const REFUSED: Meaning = { code: 'ERR_CA_REFUSED', why: 'the request is not accepted' };
const UNKNOWN_CREDENTIALS: Meaning = {
  code: 'ERR_LOGIN_DENIED',
  why: 'our AWS credentials are not accepted',
  remedy: 'replace them; see whose they are: aws sts get-caller-identity',
};
const CLOCK: Meaning = {
  code: 'ERR_LOGIN_DENIED',
  why: 'the signed request is too old or too new',
  remedy: 'set the clock of this machine',
};

/** By the name of the error. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ThrottlingException: THROTTLED,
  Throttling: THROTTLED,
  TooManyRequestsException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  LimitExceededException: {
    code: 'ERR_CA_THROTTLED',
    why: 'a quota of the CA is used up',
    retry: 'slowly',
    detail: 'quota',
    remedy: 'see the quotas of AWS Private CA (Service Quotas); a CA issues a limited number of certificates',
  },
  ResourceNotFoundException: {
    code: 'ERR_CA_REFUSED',
    why: 'there is no such CA',
    detail: 'ca_not_found',
    remedy: CHECK_ARN,
  },
  InvalidArnException: {
    code: 'ERR_CA_REFUSED',
    why: 'the ARN is not that of a CA',
    detail: 'ca_not_found',
    remedy: CHECK_ARN,
  },
  InvalidStateException: {
    code: 'ERR_CA_UNAVAILABLE',
    why: 'the CA is in a state in which it cannot do this',
    retry: 'slowly',
    detail: 'ca_state',
    remedy: 'see its status: meshcert doctor',
  },
  MalformedCSRException: { ...REFUSED, why: 'the signing request cannot be used' },
  InvalidArgsException: REFUSED,
  InvalidRequestException: REFUSED,
  ValidationException: {
    ...REFUSED,
    remedy: 'compare dpCert.rotation.expiration with the life of the CA and its usage mode: meshcert doctor',
  },
  RequestFailedException: {
    code: 'ERR_CA_REFUSED',
    why: 'it could not make the certificate',
    detail: 'request_failed',
    remedy: 'see the audit report of the CA',
  },
  UnrecognizedClientException: UNKNOWN_CREDENTIALS,
  InvalidClientTokenId: UNKNOWN_CREDENTIALS,
  IncompleteSignature: UNKNOWN_CREDENTIALS,
  MissingAuthenticationTokenException: UNKNOWN_CREDENTIALS,
  InvalidSignatureException: {
    ...UNKNOWN_CREDENTIALS,
    remedy: 'check the access key and its secret, which belong together, and the clock of this machine',
  },
  ExpiredTokenException: { ...UNKNOWN_CREDENTIALS, why: 'our AWS credentials have expired' },
  ExpiredToken: { ...UNKNOWN_CREDENTIALS, why: 'our AWS credentials have expired' },
  RequestExpired: CLOCK,
  RequestTimeTooSkewed: CLOCK,
};

/** One line for a person, of whatever a call has thrown. Never holds a request. */
export function explainFailure(thrown: unknown, action: Action, context: FailureContext): AgentError {
  if (thrown instanceof AgentError) return thrown;
  if (context.signal.aborted) return explainEnd(action, context);
  const error = toAwsError(thrown);
  const status = error.$metadata?.httpStatusCode;
  const { code, why, ...more } = interpret(error, action, context);
  const retryAfterMs = Number(error.$response?.headers?.['retry-after']) * 1000;
  // The message of a connection that failed names its address, that of an answer what AWS has to say.
  const said = oneLine(error.message);
  const told = said === '' || said === error.name ? '' : `: "${said}"`;
  const verb = status === undefined ? 'could not be asked for' : 'refused';
  return new AgentError(code, `AWS Private CA in ${context.config.region} ${verb} ${action}: ${why}${told}`, {
    ...more,
    cause: thrown,
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}

function interpret(error: AwsError, action: Action, { config }: FailureContext): Meaning {
  const status = error.$metadata?.httpStatusCode;
  if (/^AccessDenied(Exception)?$/.test(error.name)) return explainDenial(action, config.commonName !== undefined);
  if (/Signature (expired|not yet current)/i.test(error.message)) return CLOCK;
  const known = MEANINGS[error.name];
  if (known !== undefined) return known;
  if (status === 429) return THROTTLED;
  if (status !== undefined && status >= 500) return { code: 'ERR_CA_UNAVAILABLE', why: `it answered ${status}` };
  if (error.code !== undefined) return explainNetwork(error.code);
  if (error.name === 'TimeoutError') return { code: 'ERR_CA_UNREACHABLE', why: 'no answer' };
  return {
    code: 'ERR_CA_PROTOCOL',
    why: 'that is no answer of AWS Private CA',
    remedy: 'check AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_ACM_PCA, if they are set',
  };
}

function explainDenial(action: Action, hasCommonName: boolean): Meaning {
  const template = hasCommonName && action === 'IssueCertificate' ? ' with the template for common names' : '';
  return {
    code: 'ERR_CA_DENIED',
    why: 'our AWS credentials do not allow it',
    remedy: `allow acm-pca:${action}${template}; the whole policy: meshcert setup acmpca`,
  };
}

function explainNetwork(code: string): Meaning {
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code)) {
    return {
      code: 'ERR_CA_TLS',
      why: `its TLS certificate is not accepted (${code})`,
      remedy: 'where a proxy breaks TLS open, set NODE_EXTRA_CA_CERTS to its CA',
    };
  }
  return {
    code: 'ERR_CA_UNREACHABLE',
    why: `no connection (${code})`,
    remedy: 'check the way to the endpoint of the region: DNS, VPC endpoint, AWS_ENDPOINT_URL_ACM_PCA',
  };
}

/** The time was up, or somebody gave it up. */
function explainEnd(action: Action, { signal, requestTimeoutMs, config: { region } }: FailureContext): AgentError {
  if ((signal.reason as Error | undefined)?.name !== 'TimeoutError') {
    return new AgentError('ERR_CA_UNAVAILABLE', 'the request to AWS Private CA was given up');
  }
  const limit = `${requestTimeoutMs / 1000} s`;
  return new AgentError('ERR_CA_UNREACHABLE', `AWS Private CA in ${region} did not answer ${action} within ${limit}`, {
    remedy: 'check the way to its endpoint, or raise dpCert.requestTimeout',
  });
}

/** When connecting to several addresses has failed, the message is empty and the errors are inside. */
function toAwsError(thrown: unknown): AwsError {
  if (thrown instanceof AggregateError && thrown.errors[0] instanceof Error) return thrown.errors[0];
  return thrown instanceof Error ? thrown : new Error('unknown');
}

function oneLine(message: string): string {
  return message
    .replace(/[\s\p{Cc}"]+/gu, ' ')
    .trim()
    .slice(0, MAX_COMPLAINT);
}
