import type { Clock } from '../../src/clock.ts';
import type { Issued, IssueRequest, Issuer } from '../../src/issuer/issuer.ts';
import { type LeafOptions, readCsrKey, TestCa } from './test-ca.ts';

/** Fakes the issuer port: a CA in this process whose next answers a test decides. */
export class FakeIssuer implements Issuer {
  readonly requests: IssueRequest[] = [];
  readonly #ca: TestCa;
  readonly #clock: Clock;
  /** What the next calls do instead of issuing; the last stays in force while it is the only one left. */
  failures: (Error | LeafOptions | Promise<never>)[] = [];
  /** What the next probes throw. */
  illnesses: Error[] = [];
  probes = 0;

  private constructor(ca: TestCa, clock: Clock) {
    this.#ca = ca;
    this.#clock = clock;
  }

  static async open(clock: Clock): Promise<FakeIssuer> {
    const notAfter = new Date(clock.nowMs() + 1000 * 86_400_000);
    return new FakeIssuer(await TestCa.makeRoot('fake', { notAfter }), clock);
  }

  async issue(request: IssueRequest, signal: AbortSignal): Promise<Issued> {
    this.requests.push(request);
    const next = this.failures.shift();
    if (next instanceof Error) throw next;
    if (next instanceof Promise) return Promise.race([next, rejectWhenAborted(signal)]);
    const publicKey = await readCsrKey(await request.makeCsr());
    const nowMs = this.#clock.nowMs();
    const validity = { notBefore: new Date(nowMs - 30_000), notAfter: new Date(nowMs + request.ttlSeconds * 1000) };
    const leaf = await this.#ca.signLeaf(publicKey, { uris: [request.spiffeId.toString()], ...validity, ...next });
    return { chain: [leaf], roots: [this.#ca.der] };
  }

  async probe(): Promise<void> {
    this.probes += 1;
    const next = this.illnesses.shift();
    if (next !== undefined) throw next;
  }

  async readRoots(): Promise<readonly Buffer[]> {
    return [this.#ca.der];
  }

  async close(): Promise<void> {}
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
