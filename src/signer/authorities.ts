/**
 * The CAs that the signer signs with. They are read now and then, and what is found is published first and used then.
 *
 * @module
 */
import { type CaMaterial, splitChain } from '../ca/ca-material.ts';
import { requireCa } from '../ca/check-ca.ts';
import type { Clock } from '../clock.ts';
import { AgentError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { TrustPublisher } from './publish-trust.ts';
import type { SignerSettings, SigningBackend } from './settings.ts';

/**
 * How long another CA is only published before it signs: agents look at the published bundle every five minutes, and one
 * that does not know it yet would refuse its peers.
 */
export const SPREAD_MS = 400_000;

export interface Authority {
  readonly backend: SigningBackend;
  /** Passed all rules. */
  readonly ca: CaMaterial;
}

export interface Authorities {
  /**
   * Reads the CAs, publishes their certificates and, when that is done, signs with them. A CA that cannot be used is told,
   * and the one of before stays.
   *
   * @throws AgentError when it could not be published.
   */
  refresh(signal: AbortSignal): Promise<void>;
  /** Undefined: it cannot sign yet. */
  find(backend: string): Authority | undefined;
}

export interface AuthoritiesPorts {
  readonly read: (backend: SigningBackend, isInUse: boolean, signal: AbortSignal) => Promise<CaMaterial>;
  readonly publisher: TrustPublisher;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: AuthoritiesObserver;
}

export interface AuthoritiesObserver {
  caRead(backend: string, notAfterMs: number): void;
  caFailed(backend: string, error: AgentError): void;
  /** There is no such backend any more. */
  caGone(backend: string): void;
}

/** What is known of the CA of one backend. */
interface Known {
  readonly inUse: CaMaterial;
  /** Another one, that is only published yet. */
  readonly coming?: { readonly ca: CaMaterial; readonly sinceMs: number } | undefined;
}

/** @param settings those of now. */
export function openAuthorities(settings: () => SignerSettings, ports: AuthoritiesPorts): Authorities {
  const { clock, log, observer } = ports;
  let known = new Map<string, Known>();
  const warned = new Set<string>();
  const failing = new Map<string, string>();
  let names: readonly string[] = [];

  function warnOnce(warning: string, backend: string): void {
    if (!warned.has(warning)) log.warn(warning, { backend });
    warned.add(warning);
  }

  function tellOnce(backend: string, { message, remedy, code }: AgentError): void {
    if (failing.get(backend) === message) return;
    failing.set(backend, message);
    const kept = known.has(backend) ? '; the one of before stays in use' : '';
    log.error(`${message}${kept}`, { backend, code, remedy });
  }

  /** Undefined: it cannot be read, or used. */
  async function readChecked(backend: SigningBackend, signal: AbortSignal): Promise<CaMaterial | undefined> {
    const { name } = backend;
    const what = `the CA of backend "${name}"`;
    try {
      const ca = await ports.read(backend, known.has(name), signal);
      const remedy = 'see each rule: meshcert ca check CERT KEY';
      const warnings = requireCa(ca.chain, ca.privateKey, clock.nowMs(), what, remedy);
      for (const warning of warnings) warnOnce(warning, name);
      failing.delete(name);
      observer.caRead(name, endOf(ca));
      return ca;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = AgentError.from(thrown);
      observer.caFailed(name, error);
      tellOnce(name, error);
      return undefined;
    }
  }

  function learn(name: string, ca: CaMaterial | undefined): Known | undefined {
    const before = known.get(name);
    if (ca === undefined || before === undefined) return before ?? (ca && { inUse: ca });
    if (hasSameAnchor(ca, before.inUse)) return { inUse: ca };
    const isKnown = before.coming !== undefined && hasSameAnchor(ca, before.coming.ca);
    if (!isKnown) log.warn('the CA has changed, and signs when agents know it', { backend: name });
    return { inUse: before.inUse, coming: { ca, sinceMs: isKnown ? before.coming.sinceMs : clock.nowMs() } };
  }

  /** What has been published for long enough, or has to do as there is nothing else, is used. */
  function advance(name: string, one: Known): Known {
    const { inUse, coming } = one;
    const nowMs = clock.nowMs();
    if (coming === undefined || (nowMs < coming.sinceMs + SPREAD_MS && nowMs < endOf(inUse))) return one;
    log.info('the changed CA signs now', { backend: name });
    return { inUse: coming.ca };
  }

  return {
    async refresh(signal) {
      const { backends } = settings();
      const before = names;
      names = backends.map(({ name }) => name);
      for (const name of before) if (!names.includes(name)) observer.caGone(name);
      const read = await Promise.all(
        backends.map(async (one) => [one, learn(one.name, await readChecked(one, signal))] as const),
      );
      const trust = read.flatMap(([{ name, ttlSeconds }, one]) => {
        if (one === undefined) return [];
        const all = [one.inUse, ...(one.coming === undefined ? [] : [one.coming.ca])];
        const certificates = all.map(({ chain }) => splitChain(chain).trustAnchor);
        return [{ name, certificates, lifetimeMs: ttlSeconds * 1000 }];
      });
      const unread = read.flatMap(([{ name }, one]) => (one === undefined ? [name] : []));
      await ports.publisher.publish(trust, unread, signal);
      const usable = read.flatMap(([{ name }, one]) =>
        one === undefined ? [] : [[name, advance(name, one)] as const],
      );
      known = new Map(usable);
    },
    find(name) {
      const backend = settings().backends.find((one) => one.name === name);
      const ca = known.get(name)?.inUse;
      return backend && ca && { backend, ca };
    },
  };
}

function hasSameAnchor(one: CaMaterial, other: CaMaterial): boolean {
  const [first, second] = [one, other].map(({ chain }) => splitChain(chain).trustAnchor);
  return first !== undefined && second !== undefined && first.equals(second);
}

/** When leaves under it end at the latest. */
function endOf({ chain }: CaMaterial): number {
  return Math.min(...chain.map(({ x509 }) => x509.validToDate.getTime()));
}
