import { AgentError } from '../../src/errors.ts';
import type { Generation } from '../../src/identity/identity.ts';
import { openObservation } from '../../src/observe/observation.ts';
import type { AgentFacts } from '../../src/observe/state.ts';
import { FakeClock } from './fake-clock.ts';
import { openGenerationMaker } from './make-generation.ts';

export const FILES = 'files:/var/run/meshcert';

/** An observation that a test tells what happens, at 2026-01-01T00:00:00Z. */
export async function setUpObservation(options: Partial<AgentFacts> = {}) {
  const clock = new FakeClock();
  const { make } = await openGenerationMaker(clock.nowMs());
  const facts: AgentFacts = {
    mesh: 'default',
    name: 'web',
    spiffeId: 'spiffe://default/web',
    backend: 'vault-1',
    supportedBackends: ['vault-1', 'ca-2'],
    deliveries: [FILES],
    hooks: [],
    targets: [],
    version: '1.2.3',
    nodeVersion: 'v24.0.0',
    pid: 4242,
    ...options,
  };
  const readUsage = () => ({ cpuSeconds: 1.5, residentBytes: 40_000_000 });
  const observation = openObservation(facts, { clock, readUsage });
  return {
    clock,
    facts,
    observation,
    /** A certificate of an hour, which the delivery does not have yet. */
    async issue(): Promise<Generation> {
      const generation = { ...(await make({ nowMs: clock.nowMs() })), backend: 'vault-1' };
      const dueAtMs = generation.issuedAt.getTime() + 48 * 60_000;
      observation.rotation.rotated({ generation, reason: 'start', dueAtMs });
      return generation;
    },
    deliver(generation: Generation, delivery = FILES): void {
      observation.delivery.delivered({ delivery, generation, seconds: 0.02 });
    },
    failToIssue(error = unreachable()): void {
      const retryAtMs = clock.nowMs() + 5_000;
      observation.rotation.failed({ error, backend: 'vault-1', reason: 'due', retryAtMs });
    },
    failToDeliver(generation: Generation): void {
      const error = new AgentError('ERR_DELIVERY', 'no space is left', { remedy: 'free some' });
      const retryAtMs = clock.nowMs() + 5_000;
      observation.delivery.failed({ delivery: FILES, generation, error, retryAtMs });
    },
  };
}

export function unreachable(): AgentError {
  return new AgentError('ERR_CA_UNREACHABLE', 'no answer from the CA', { remedy: 'start it' });
}
