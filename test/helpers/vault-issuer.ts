import type { KeyObject } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { MAX_SLEEP_MS, systemClock } from '../../src/clock.ts';
import { openDataSources } from '../../src/data-source.ts';
import { AgentError } from '../../src/errors.ts';
import { makeCsr } from '../../src/identity/csr.ts';
import type { Identity } from '../../src/identity/identity.ts';
import { type KeyType, makePrivateKey } from '../../src/identity/key-pair.ts';
import { derToPem } from '../../src/identity/pem.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { verifyIssued } from '../../src/identity/verify.ts';
import type { Issued, IssueRequest, Issuer } from '../../src/issuer/issuer.ts';
import type { VaultConfig } from '../../src/issuer/vault/config.ts';
import { openVault } from '../../src/issuer/vault/index.ts';
import { openRecordingLog } from './recording-log.ts';

export interface VaultIssuerOptions extends Partial<Omit<VaultConfig, 'auth' | 'address' | 'tls'>> {
  readonly address: string;
  /** A token, or a whole auth method. */
  readonly auth: string | VaultConfig['auth'];
  readonly tls?: Partial<VaultConfig['tls']>;
  /** Default 5,000. */
  readonly requestTimeoutMs?: number;
}

export interface IssueOptions {
  /** Default ec-p256. */
  readonly keyType?: KeyType;
  /** Default 3600. */
  readonly ttlSeconds?: number;
  /** Default spiffe://default/web. */
  readonly spiffeId?: SpiffeId;
  readonly signal?: AbortSignal;
}

export interface VaultIssuer {
  readonly issuer: Issuer;
  /** Everything at every level. */
  readonly log: ReturnType<typeof openRecordingLog>;
  readonly seen: { steps: string[]; skewSeconds: number[]; expiries: { kind: string; atMs: number }[] };
  /** Moves its clock forward from now on. */
  shiftClock(ms: number): void;
  /** Issues with a new key, and verifies the answer as the agent does. */
  issue(options?: IssueOptions): Promise<{ issued: Issued; identity: Identity }>;
  /** Issues in vain. */
  fail(options?: IssueOptions): Promise<AgentError>;
  /** All log lines and error lines so far, and the secrets that must not be in them. */
  readonly said: string[];
  readonly secrets: string[];
}

/** The issuer as the agent opens it, with the real clock, ready to ask a real Vault. */
export function openVaultIssuer(options: VaultIssuerOptions): VaultIssuer {
  const { address, auth, tls, requestTimeoutMs = 5000, ...config } = options;
  const log = openRecordingLog();
  const seen: VaultIssuer['seen'] = { steps: [], skewSeconds: [], expiries: [] };
  const errors: string[] = [];
  const secrets: string[] = [];
  let shiftMs = 0;
  const clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + shiftMs,
    monotonicMs: () => systemClock.monotonicMs() + shiftMs,
    // What an issuer still waits for must not hold up the end of a test that does not close it.
    sleep: async (ms: number, signal: AbortSignal) => {
      await wait(Math.min(Math.max(ms, 0), MAX_SLEEP_MS), undefined, { signal, ref: false }).catch(() => undefined);
    },
  };
  const issuer = openVault(
    {
      kind: 'vault',
      address,
      pki: 'pki',
      role: 'dataplanes',
      auth: typeof auth === 'string' ? { method: 'token', token: { kind: 'inline', value: auth } } : auth,
      tls: { skipVerify: false, ...tls },
      ...config,
    },
    {
      backend: 'vault-1',
      mesh: 'default',
      trustDomain: 'default',
      requestTimeoutMs,
      readSource: openDataSources('/nowhere'),
      clock,
      random: Math.random,
      log,
      observer: {
        stepTook: (step) => void seen.steps.push(step),
        clockSkewSeen: (seconds) => void seen.skewSeconds.push(seconds),
        credentialExpires: (kind, atMs) => void seen.expiries.push({ kind, atMs }),
      },
    },
  );

  async function request(wanted: IssueOptions): Promise<{ issued: Issued; privateKey: KeyObject; spiffeId: SpiffeId }> {
    const { keyType = 'ec-p256', ttlSeconds = 3600, spiffeId = new SpiffeId('default', '/web') } = wanted;
    const privateKey = await makePrivateKey(keyType);
    const csr = makeCsr(spiffeId, privateKey);
    secrets.push(csr.toString('base64').slice(0, 40), derToPem('CERTIFICATE REQUEST', csr).slice(36, 90));
    secrets.push(privateKey.export({ format: 'pem', type: 'pkcs8' }).slice(28, 90).toString());
    const ask: IssueRequest = { spiffeId, makeCsr: async () => csr, keyType, ttlSeconds };
    const issued = await issuer.issue(ask, wanted.signal ?? new AbortController().signal);
    if (issued.privateKeyPem !== undefined) secrets.push(issued.privateKeyPem.slice(28, 90));
    return { issued, privateKey, spiffeId };
  }

  return {
    issuer,
    log,
    seen,
    secrets,
    get said() {
      return [...log.lines, ...errors];
    },
    shiftClock: (ms) => {
      shiftMs += ms;
    },
    issue: async (wanted = {}) => {
      const { issued, privateKey, spiffeId } = await request(wanted);
      return { issued, identity: verifyIssued(issued, { spiffeId, privateKey }, Date.now()).identity };
    },
    fail: async (wanted = {}) => {
      const thrown: unknown = await request(wanted).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!(thrown instanceof AgentError)) throw new Error('issue did not fail with an AgentError', { cause: thrown });
      errors.push(thrown.line, String(thrown.detail), String(thrown.stack));
      return thrown;
    },
  };
}
