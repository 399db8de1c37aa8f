import { AgentError } from '../../errors.ts';
import { asNumber, asRecord, asString, asStrings } from './json.ts';

/** What a JWT (RFC 7519) says of itself; its signature is Vault's business. */
interface Jwt {
  readonly jwt: string;
  /** Empty: the token names none. */
  readonly audiences: readonly string[];
  /** Undefined: it never ends, as those of old Secrets. */
  readonly expiresAtMs: number | undefined;
  /** One line of at most 200 characters. */
  readonly subject: string;
}

export interface ServiceAccountToken extends Omit<Jwt, 'subject'> {
  /** `namespace/name`, or what the token gives as its subject. */
  readonly owner: string;
}

/**
 * @param text blanks around the token are dropped.
 * @returns undefined when that is no JWT.
 */
export function readJwt(text: string): Jwt | undefined {
  const jwt = text.trim();
  const claims = decodeClaims(jwt);
  if (claims === undefined) return undefined;
  const expiresAt = asNumber(claims.exp);
  const audience = asString(claims.aud);
  return {
    jwt,
    audiences: audience === undefined ? asStrings(claims.aud) : [audience],
    expiresAtMs: expiresAt === undefined ? undefined : expiresAt * 1000,
    subject: (asString(claims.sub) ?? 'an unnamed subject').replace(/[\s\p{Cc}]+/gu, ' ').slice(0, 200),
  };
}

/**
 * @param text the content of the token's file; blanks around the token are dropped.
 * @throws AgentError `ERR_SOURCE` when that is no JWT (RFC 7519).
 */
export function parseServiceAccountToken(text: string, path: string): ServiceAccountToken {
  const token = readJwt(text);
  if (token === undefined) {
    throw new AgentError('ERR_SOURCE', `${path} holds something that is not a service-account token (a JWT)`, {
      remedy: 'project a serviceAccountToken volume there, or set auth.kubernetes.tokenPath',
    });
  }
  const { subject, ...rest } = token;
  return { ...rest, owner: subject.replace(/^system:serviceaccount:([^:]+):([^:]+)$/, '$1/$2') };
}

/**
 * Names what Vault would only call "permission denied".
 *
 * @param audience what the token must be for; undefined: anything.
 * @throws AgentError `ERR_SOURCE` for an expired token, `ERR_LOGIN_DENIED` for one that is for somebody else.
 */
export function checkServiceAccountToken(
  token: ServiceAccountToken,
  expected: { readonly path: string; readonly audience?: string | undefined; readonly nowMs: number },
): void {
  const { path, audience, nowMs } = expected;
  if (token.expiresAtMs !== undefined && token.expiresAtMs <= nowMs) {
    const [end, now] = [token.expiresAtMs, nowMs].map((ms) => new Date(ms).toISOString());
    throw new AgentError(
      'ERR_SOURCE',
      `the service-account token in ${path} expired at ${end}; our clock shows ${now}`,
      {
        remedy: 'mount it as a projected volume, which the kubelet renews, and check the clock of this machine',
      },
    );
  }
  if (audience !== undefined && !token.audiences.includes(audience)) {
    const found = token.audiences.length === 0 ? 'no audience' : token.audiences.map((one) => `"${one}"`).join(', ');
    throw new AgentError(
      'ERR_LOGIN_DENIED',
      `the service-account token in ${path} is for ${found.slice(0, 300)}, not for the audience "${audience}"`,
      { remedy: `set "audience: ${audience}" on the projected volume, or correct auth.kubernetes.audience` },
    );
  }
}

function decodeClaims(jwt: string): Readonly<Record<string, unknown>> | undefined {
  const parts = jwt.split('.');
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? asRecord(claims) : undefined;
  } catch {
    return undefined;
  }
}
