import type { Clock } from '../../clock.ts';
import type { Login } from './login.ts';

/** The longest time for which a login waits for the next issue. */
const MAX_WAIT_MS = 60_000;
/** After a key type that the CA does not sign: the next issue follows at once. */
const RETRY_WAIT_MS = 5_000;
/** From when on a login is not kept any more, however long its lease: rights that were taken away end. */
const MAX_AGE_MS = 10 * 60_000;
/** A rotation is due after 4/5 of the life, and at most 1/50 later. */
const DUE_RATIO = 0.82;

/** Less is not worth an issue. */
const MIN_LEFT_MS = 5_000;

/** What an issue came to, as far as the next one depends on it: `retried` at once, with another type of key. */
export type IssueOutcome =
  | { readonly kind: 'issued'; readonly ttlSeconds: number }
  | { readonly kind: 'retried' }
  | { readonly kind: 'failed' };

export interface KeptLogin {
  /** The login that was kept, when it is still good for an issue. Whoever takes it owns it. */
  take(): Login | undefined;
  /**
   * Keeps a login when another issue will need it soon, and waits for that one.
   *
   * @returns whether it is to be given back after all, as nobody took it in time; undefined: it is not kept.
   */
  keep(login: Login, outcome: IssueOutcome): Promise<boolean> | undefined;
  /** From now on nothing is kept. */
  close(): void;
}

interface Entry {
  readonly login: Login;
  readonly waiting: AbortController;
  isTaken: boolean;
}

/**
 * Each issue logs in anew, and gives its token back: the next one is hours away, a token that lies about is a risk and
 * work for Vault's storage, and a new login proves anew that this workload still exists. A login is kept only where the
 * next issue follows within a minute: when the CA demanded another type of key, and with certificates so short-lived
 * that logging in would be most of the work. It is not renewed then, as a new login costs no more and proves more.
 */
export function openKeptLogin(clock: Clock): KeptLogin {
  const keptSinceMs = new WeakMap<Login, number>();
  let kept: Entry | undefined;
  let isClosed = false;

  const leftMs = (login: Login) => {
    const lifeMs = Math.min(MAX_AGE_MS, (login.leaseSeconds ?? Number.POSITIVE_INFINITY) * 1000);
    return lifeMs - (clock.monotonicMs() - (keptSinceMs.get(login) ?? 0));
  };

  return {
    take() {
      const entry = kept;
      kept = undefined;
      if (entry === undefined) return undefined;
      entry.isTaken = leftMs(entry.login) >= MIN_LEFT_MS;
      entry.waiting.abort();
      return entry.isTaken ? entry.login : undefined;
    },
    keep(login, outcome) {
      // The others are none of ours, and are read anew each time.
      if (login.kind !== 'borrowed' && login.kind !== 'batch') return undefined;
      if (!keptSinceMs.has(login)) keptSinceMs.set(login, clock.monotonicMs());
      const waitMs = Math.min(chooseWait(outcome), leftMs(login) - MIN_LEFT_MS);
      if (waitMs <= 0 || isClosed) return undefined;
      const entry: Entry = { login, waiting: new AbortController(), isTaken: false };
      kept = entry;
      return clock.sleep(waitMs, entry.waiting.signal).then(() => {
        if (kept === entry) kept = undefined;
        return !entry.isTaken;
      });
    },
    close() {
      isClosed = true;
      kept?.waiting.abort();
    },
  };
}

function chooseWait(outcome: IssueOutcome): number {
  if (outcome.kind === 'retried') return RETRY_WAIT_MS;
  if (outcome.kind === 'failed') return 0;
  return outcome.ttlSeconds * 1000 * DUE_RATIO < MAX_WAIT_MS ? MAX_WAIT_MS : 0;
}
