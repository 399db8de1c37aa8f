import { type Clock, sleepUntil } from '../clock.ts';
import type { Generation, Identity, IdentitySink, IdentitySource } from '../identity/identity.ts';
import type { Log } from '../log.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** How long a new leaf waits for the bundle that it needs to be in every delivery. */
const BUNDLE_FIRST_MS = 10_000;

/** Within which a changed Mesh reaches every agent, by the time that kubelets take for a ConfigMap. */
const PEERS_LEARN_WITHIN_MS = 120_000;

export interface PublishPorts {
  readonly identities: IdentitySource & IdentitySink;
  readonly trust: TrustBundle;
  /** How long leaves of a backend live, in milliseconds. */
  readonly lifetimeMs: (backend: string) => number;
  /** Resolves when every delivery holds the generation. */
  readonly waitUntilDelivered: (generation: number, signal: AbortSignal) => Promise<void>;
  /** A generation with another bundle and the certificate of before. */
  readonly bundleChanged: (generation: Generation) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Publisher {
  /**
   * Publishes a new identity with the CAs of all backends. When the CA of the identity is new to the bundle, the bundle
   * goes first, with the certificate of before: peers who read it there must be able to verify the new one.
   */
  publish(identity: Identity, backend: string): Promise<Generation>;
  /** Hands the bundle of now over, with the certificate in service; nothing without one, or when nothing changed. */
  publishBundle(): Promise<Generation | undefined>;
}

export function openPublisher(ports: PublishPorts): Publisher {
  const { identities, trust, clock, log } = ports;

  async function publishBundle(): Promise<Generation | undefined> {
    const current = identities.current();
    if (current === undefined) return undefined;
    const { number: _, backend, ...identity } = current;
    const trustBundle = trust.certificates(backend);
    if (trustBundle.length === current.trustBundle.length && holdsAll(trustBundle, current.trustBundle))
      return undefined;
    const generation = await identities.publish({ ...identity, trustBundle }, backend);
    ports.bundleChanged(generation);
    log.info('trust bundle changed', { generation: generation.number, certificates: trustBundle.length });
    return generation;
  }

  async function publish(identity: Identity, backend: string): Promise<Generation> {
    const before = identities.current();
    const nowMs = clock.nowMs();
    trust.learn(backend, identity.trustBundle, ports.lifetimeMs(backend), nowMs);
    trust.forget(nowMs);
    if (before !== undefined && before.backend !== backend) warnOfHaste(identity, backend, nowMs);
    if (before !== undefined && !holdsAll(before.trustBundle, identity.trustBundle)) await publishFirst();
    return identities.publish({ ...identity, trustBundle: trust.certificates(backend) }, backend);
  }

  /** A delivery that fails does not hold the new certificate up for long: the others need it. */
  async function publishFirst(): Promise<void> {
    const bundle = await publishBundle();
    if (bundle === undefined) return;
    const enough = new AbortController();
    await Promise.race([
      ports.waitUntilDelivered(bundle.number, enough.signal).catch(() => undefined),
      sleepUntil(clock, clock.nowMs() + BUNDLE_FIRST_MS, enough.signal),
    ]);
    enough.abort();
  }

  function warnOfHaste({ trustBundle }: Identity, backend: string, nowMs: number): void {
    const isKnown = trustBundle.some(
      (anchor) => nowMs - (trust.knownSinceMs(anchor) ?? nowMs) >= PEERS_LEARN_WITHIN_MS,
    );
    if (isKnown) return;
    log.warn('the CA was changed before peers could know the new one: those that do not will refuse us', {
      backend,
      remedy: 'add the backend to the Mesh, wait until all agents have read it, enable it then',
    });
  }

  return { publish, publishBundle };
}

function holdsAll(bundle: readonly Buffer[], certificates: readonly Buffer[]): boolean {
  return certificates.every((one) => bundle.some((other) => other.equals(one)));
}
