/**
 * What `builtin` and `provided` have in common: the CA's key is in this process while it signs.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { type CaChain, type CaMaterial, splitChain } from '../ca/ca-material.ts';
import { requireCa } from '../ca/check-ca.ts';
import { AgentError } from '../errors.ts';
import type { Issuer, IssuerContext } from './issuer.ts';

export interface LocalCa {
  /** Reads the CA as it is now; it is checked afterwards. @throws AgentError `ERR_SOURCE` */
  read(): Promise<CaMaterial>;
  /** The same without the key. @throws AgentError `ERR_SOURCE` */
  readChain(): Promise<CaChain>;
  /** What to do when the CA breaks a rule. */
  readonly remedy: string;
}

/**
 * An issuer that reads its CA anew for each certificate, so that a changed one takes effect at the next, and one that
 * was changed to something useless is refused with its reason.
 */
export function openLocalIssuer(ca: LocalCa, context: IssuerContext): Issuer {
  const { clock, log, observer, backend } = context;
  const said = new Set<string>();

  function sayOnce(warning: string): void {
    if (said.has(warning)) return;
    said.add(warning);
    log.warn(warning, { backend });
  }

  function check(chain: CaChain, privateKey: KeyObject | undefined): void {
    for (const warning of requireCa(chain, privateKey, clock.nowMs(), nameCa(backend), ca.remedy)) sayOnce(warning);
  }

  async function readChecked(): Promise<CaMaterial> {
    const material = await ca.read();
    check(material.chain, material.privateKey);
    return material;
  }

  return {
    async issue({ makeCsr, spiffeId, ttlSeconds }, signal) {
      const startMs = clock.monotonicMs();
      // Loaded here: only a process that is a CA itself pays for the X.509 library.
      const [material, csr, { certify }] = await Promise.all([
        readChecked(),
        makeCsr(),
        import('../ca/certificate-authority.ts'),
      ]);
      if (signal.aborted) throw new AgentError('ERR_CA_UNAVAILABLE', 'the request for a certificate was given up');
      const request = { csr, spiffeId: spiffeId.toString(), ttlSeconds };
      const { chain, trustAnchor, cappedAt } = await certify(material, request, clock.nowMs());
      observer.stepTook('sign', (clock.monotonicMs() - startMs) / 1000);
      if (cappedAt !== undefined) sayOnce(`certificates end with their CA, at ${cappedAt.toISOString()}`);
      return { chain, roots: [trustAnchor] };
    },
    async probe() {
      await readChecked();
    },
    async readRoots() {
      const chain = await ca.readChain();
      check(chain, undefined);
      return [splitChain(chain).trustAnchor];
    },
    async close() {},
  };
}

/** For messages. */
export function nameCa(backend: string): string {
  return `the CA of backend "${backend}"`;
}
