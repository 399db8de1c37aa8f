import { note } from './note.ts';
import type { Plan } from './plan.ts';

/** Matchers of URI names for those who may connect: what `allow` says, or else everybody of the trust domain. */
export function describeCallers({ allow, spiffeId: { trustDomain } }: Pick<Plan, 'allow' | 'spiffeId'>): object[] {
  if (allow.length === 0) {
    return note(
      `Who may call: every identity of the trust domain ${trustDomain}, as the Agent document has no "allow".`,
      [matchName(`spiffe://${trustDomain}/*`)],
    );
  }
  return note('Who may call: "allow" of the Agent document, and nobody else.', allow.map(matchName));
}

/** A prefix keeps its last slash, so that `.../batch/*` does not let `.../batch-jobs` in. */
function matchName(allowed: string): object {
  const matcher = allowed.endsWith('/*') ? { prefix: allowed.slice(0, -1) } : { exact: allowed };
  return { san_type: 'URI', matcher };
}
