import type { Clock } from '../../clock.ts';
import { AgentError } from '../../errors.ts';
import type { CaDescription, PrivateCa } from './private-ca.ts';

/** For issuing: key and limits of a CA hardly ever change. */
const KNOWN_MS = 60 * 60 * 1000;
/**
 * For telling whether it is well. AWS counts requests for a whole account and region, and answers few in a second: all the
 * agents of a mesh share them.
 */
const WELL_MS = 5 * 60 * 1000;

/** What is known of the CA, so that AWS is asked as rarely as it wants to be. */
export interface CaRecord {
  /** @throws AgentError when it cannot issue now. */
  read(ca: Pick<PrivateCa, 'describe'>): Promise<CaDescription>;
  /** What a probe needs: whether it was well when last asked, a few minutes ago at most. Asks at once while it is ill. */
  isWellEnough(): boolean;
  /** Looks anew. A CA that has no time is judged by what was seen before. */
  look(ca: Pick<PrivateCa, 'describe'>): Promise<CaDescription>;
  /** Something does not fit it any more. */
  forget(): void;
}

export function openCaRecord(clock: Clock): CaRecord {
  let seen: { readonly description: CaDescription; readonly atMs: number } | undefined;
  const isYounger = (ms: number) => seen !== undefined && clock.monotonicMs() - seen.atMs < ms;

  async function look(ca: Pick<PrivateCa, 'describe'>): Promise<CaDescription> {
    const before = seen?.description;
    const description = await ca.describe().catch((thrown: unknown) => {
      if (before !== undefined && AgentError.from(thrown).code === 'ERR_CA_THROTTLED') return before;
      throw thrown;
    });
    seen = { description, atMs: clock.monotonicMs() };
    return requireActive(description, clock.nowMs());
  }

  return {
    look,
    read: async (ca) => {
      if (seen !== undefined && isYounger(KNOWN_MS) && isActive(seen.description, clock.nowMs())) {
        return seen.description;
      }
      return look(ca);
    },
    isWellEnough: () => seen !== undefined && isYounger(WELL_MS) && isActive(seen.description, clock.nowMs()),
    forget: () => {
      seen = undefined;
    },
  };
}

function isActive({ status, notAfterMs }: CaDescription, nowMs: number): boolean {
  return status === 'ACTIVE' && (notAfterMs === undefined || notAfterMs > nowMs);
}

/** What each state asks of an administrator (AWS Private CA User Guide, "Private CA status"). */
const REMEDIES: Readonly<Record<string, string>> = {
  CREATING: 'wait until it is there',
  PENDING_CERTIFICATE: 'install its certificate; meshcert setup acmpca --new-ca shows how, and does it with --apply',
  DISABLED: 'enable it: aws acm-pca update-certificate-authority --status ACTIVE',
  EXPIRED: 'renew its certificate, and give the new root to all peers',
  DELETED: 'restore it (aws acm-pca restore-certificate-authority), or set conf.arn to another',
  FAILED: 'delete it, and make another',
};

/** @throws AgentError `ERR_CA_UNAVAILABLE` whose detail is the state. */
export function requireActive(description: CaDescription, nowMs: number): CaDescription {
  if (isActive(description, nowMs)) return description;
  const { status: told, notAfterMs } = description;
  const status = told === 'ACTIVE' ? 'EXPIRED' : told;
  const since = status === 'EXPIRED' && notAfterMs !== undefined ? ` since ${new Date(notAfterMs).toISOString()}` : '';
  const remedy = REMEDIES[status];
  throw new AgentError('ERR_CA_UNAVAILABLE', `the CA in AWS Private CA is ${status}${since}, and issues nothing`, {
    retry: 'slowly',
    detail: remedy === undefined ? 'ca_state' : `ca_${status.toLowerCase()}`,
    remedy: remedy ?? 'see: aws acm-pca describe-certificate-authority',
  });
}
