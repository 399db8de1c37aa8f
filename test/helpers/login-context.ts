import { openDataSources } from '../../src/data-source.ts';
import type { IssuerContext } from '../../src/issuer/issuer.ts';
import { FakeClock } from './fake-clock.ts';
import { openRecordingLog } from './recording-log.ts';

export interface LoginContext extends IssuerContext {
  readonly clock: FakeClock;
  readonly log: ReturnType<typeof openRecordingLog>;
  readonly expiries: { kind: string; atMs: number }[];
}

/** What an issuer is given, at 2026-01-01T00:00:00Z; sources are read from the disk. */
export function makeLoginContext(): LoginContext {
  const expiries: LoginContext['expiries'] = [];
  return {
    backend: 'vault-1',
    mesh: 'default',
    trustDomain: 'default',
    requestTimeoutMs: 5000,
    readSource: openDataSources('/nowhere'),
    clock: new FakeClock(),
    random: () => 0.5,
    log: openRecordingLog(),
    expiries,
    observer: {
      stepTook: () => undefined,
      clockSkewSeen: () => undefined,
      credentialExpires: (kind, atMs) => void expiries.push({ kind, atMs }),
    },
  };
}

/** A JWT with these claims, that nobody signed. */
export function makeJwt(claims: unknown): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2lnbmF0dXJl`;
}
