import { AgentError, type AgentErrorOptions, type ErrorCode } from '../../errors.ts';

export interface RefusedCall {
  /** For people: `AWS IAM`. */
  readonly service: string;
  readonly action: string;
  /** That it takes: `iam:CreatePolicy`. */
  readonly right: string;
}

/** What an error of the SDK holds, and one of ours, besides its message. */
interface AwsError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

interface Meaning extends Pick<AgentErrorOptions, 'remedy' | 'detail'> {
  readonly code: ErrorCode;
  readonly why: string;
}

const MAX_COMPLAINT = 300;

/** One line for the administrator, of whatever a call of the setup has thrown. Never holds a request. */
export function explainRefusal(thrown: unknown, call: RefusedCall): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const error = toAwsError(thrown);
  const { code, why, ...more } = interpret(error, call);
  const verb = error.$metadata?.httpStatusCode === undefined ? 'could not be asked for' : 'refused';
  const said = error.message.replace(/[\s\p{Cc}"]+/gu, ' ').trim();
  const told = said === '' || said === error.name ? '' : `: "${said.slice(0, MAX_COMPLAINT)}"`;
  return new AgentError(code, `${call.service} ${verb} ${call.action}: ${why}${told}`, { ...more, cause: thrown });
}

/** By the name of the error, which is not the same in every service (API references, "Errors" and "Common errors"). */
function interpret({ name, code, $metadata }: AwsError, { service, right }: RefusedCall): Meaning {
  const status = $metadata?.httpStatusCode;
  if (/^AccessDenied(Exception)?$|^UnauthorizedOperation$/.test(name)) {
    const remedy = `allow ${right} to whoever runs this; who that is: aws sts get-caller-identity`;
    return { code: 'ERR_CA_DENIED', why: 'our AWS credentials do not allow it', remedy };
  }
  if (/^(NoSuchEntity|ResourceNotFound|InvalidArn)(Exception)?$/.test(name)) {
    return { code: 'ERR_CA_REFUSED', why: 'there is no such thing', detail: 'absent' };
  }
  if (
    /^(InvalidClientTokenId|UnrecognizedClient|ExpiredToken|SignatureDoesNotMatch|InvalidSignature|Incomplete\w*|MissingAuth\w*|RequestExpired)(Exception)?$/.test(
      name,
    )
  ) {
    const remedy = 'see whether this works: aws sts get-caller-identity; check AWS_PROFILE, and the clock';
    return { code: 'ERR_LOGIN_DENIED', why: 'our AWS credentials are not accepted', remedy };
  }
  if (/Throttling|TooManyRequests|RequestLimitExceeded/.test(name)) {
    return { code: 'ERR_CA_THROTTLED', why: 'too many requests', remedy: 'run it again in a minute' };
  }
  if (status !== undefined && name !== '' && status < 500) return { code: 'ERR_CA_REFUSED', why: name };
  if (status !== undefined && status >= 500) return { code: 'ERR_CA_UNAVAILABLE', why: `it answered ${status}` };
  const remedy = 'check the way to its endpoint: DNS, VPC endpoint, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_...';
  if (status !== undefined) return { code: 'ERR_CA_PROTOCOL', why: `that is no answer of ${service}`, remedy };
  return { code: 'ERR_CA_UNREACHABLE', why: code === undefined ? 'no answer' : `no connection (${code})`, remedy };
}

/** `fetch` hides what went wrong below its own error; connecting to several addresses hides it in a list. */
function toAwsError(thrown: unknown): AwsError {
  const cause = thrown instanceof TypeError && thrown.cause !== undefined ? thrown.cause : thrown;
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error ? first : new Error('unknown');
}
