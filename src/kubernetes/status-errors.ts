import type { ErrorCode } from '../errors.ts';
import { KubernetesError } from './kubernetes-error.ts';
import { describeRule, findNeededRule } from './paths.ts';

/** One call, as messages need it. */
export interface Attempt {
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly isWatch: boolean;
}

export interface Refusal {
  readonly status: number;
  /** The JSON, which is a `Status` of Kubernetes; undefined when it was none. */
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

const MAX_QUOTED = 300;
/** What is invalid is quoted in base64, a whole signing request for one, which is nobody's to read in a log. */
const LONG_VALUE = /[A-Za-z0-9+/=]{80,}/g;

/** An answer that is no success, in words. */
export function explainStatus({ status, body, retryAfterMs }: Refusal, attempt: Attempt): KubernetesError {
  const said = readMessage(body, attempt);
  const { code, why, remedy } = interpret(status, said, attempt);
  const message = `the Kubernetes API at ${attempt.address} answered ${status} to ${describe(attempt)}: ${why}`;
  return new KubernetesError(code, message, {
    status,
    ...(remedy !== undefined && { remedy }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status === 409 && { retry: 'soon' }),
  });
}

/** `POST /api/v1/...`: the call, for messages. */
export function describe({ method, path, isWatch }: Attempt): string {
  return `${isWatch ? 'WATCH' : method} ${path}`;
}

function interpret(
  status: number,
  said: string,
  attempt: Attempt,
): { code: ErrorCode; why: string; remedy?: string | undefined } {
  const quoted = (otherwise: string) => (said === '' ? otherwise : said);
  if (status === 401) {
    return {
      code: 'ERR_LOGIN_DENIED',
      why: 'it does not accept our token or client certificate',
      remedy: 'check that it is not expired, and is one of this cluster',
    };
  }
  // An admission webhook, or a quota, also says 403, and no rule helps against it.
  if (status === 403 && !/ cannot \w+ resource /.test(said) && said !== '') {
    return { code: 'ERR_CA_REFUSED', why: said, remedy: undefined };
  }
  if (status === 403) {
    const rule = findNeededRule(attempt.method, attempt.path, attempt.isWatch);
    return { code: 'ERR_CA_DENIED', why: quoted('forbidden'), remedy: rule && `grant it ${describeRule(rule)}` };
  }
  if (status === 429) return { code: 'ERR_CA_THROTTLED', why: quoted('too many requests') };
  if (status >= 500) return { code: 'ERR_CA_UNAVAILABLE', why: quoted('it cannot serve now') };
  if (status >= 400) return { code: 'ERR_CA_REFUSED', why: quoted('refused') };
  return {
    code: 'ERR_CA_PROTOCOL',
    why: 'that is no answer of Kubernetes',
    remedy: 'check that the address is that of an API server',
  };
}

/** What is wrong with a Secret is said with its value in it. */
function readMessage(body: unknown, { path }: Attempt): string {
  const { message, code } = (body ?? {}) as { message?: unknown; code?: unknown };
  if (typeof message !== 'string' || ((code === 400 || code === 422) && /\/secrets(\/|$)/.test(path))) return '';
  return message
    .replaceAll(LONG_VALUE, '...')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, MAX_QUOTED);
}
