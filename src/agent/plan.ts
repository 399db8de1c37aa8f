import type { Backend, Config } from '../config/config.ts';
import type { Candidate, RotationPlan } from '../rotation/plan.ts';
import type { Issuers } from './issuers.ts';

/** What to keep fresh: the enabled backend is asked first, then its standbys; none while mTLS is off. */
export function makePlan({ backend, backends, spiffeId, keyType, rotation }: Config, issuers: Issuers): RotationPlan {
  const { jitterRatio, spreads, standbyBackends, standbyRatio } = rotation;
  const named = standbyBackends.map((name) => backends.find((one) => one.name === name));
  const asked = backend === undefined ? [] : [...new Set([backend, ...named])].filter((one) => one !== undefined);
  const toCandidate = (one: Backend): Candidate => {
    return { backend: one.name, ttlSeconds: one.ttlSeconds, open: () => issuers.get(one) };
  };
  return { spiffeId, keyType, jitterRatio, spreads, candidates: asked.map(toCandidate), standbyRatio };
}
