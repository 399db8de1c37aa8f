/** What a bound token of a service account tells of us (Kubernetes, "Service account tokens", "Schema"). */
export interface TokenClaims {
  /** Undefined: the token is not bound to a pod. */
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
  /** Undefined: it never ends, as those of old Secrets. */
  readonly expiresAtMs: number | undefined;
}

interface RawClaims {
  readonly exp?: unknown;
  readonly 'kubernetes.io'?: { readonly pod?: { readonly name?: unknown; readonly uid?: unknown } };
}

/** @returns undefined when that is no JWT. Its signature is the API server's business. */
export function readTokenClaims(token: string): TokenClaims | undefined {
  let claims: RawClaims | null;
  try {
    claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as RawClaims | null;
  } catch {
    return undefined;
  }
  const { name, uid } = claims?.['kubernetes.io']?.pod ?? {};
  return {
    pod: typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined,
    expiresAtMs: typeof claims?.exp === 'number' ? claims.exp * 1000 : undefined,
  };
}
