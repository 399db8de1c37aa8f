/**
 * The issuer for AWS Private CA. It has a CA sign in two steps: an order that is paid for, and fetching what was ordered. What
 * fails between them is gone on with at the next attempt; see orders.ts.
 *
 * Every action of AWS takes credentials, so `probe` and `readRoots` log in too; ca-record.ts keeps that rare.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { openLastGood } from '../../last-good.ts';
import type { Issued, IssueRequest, Issuer, IssuerContext } from '../issuer.ts';
import { openLifetimeWatch } from '../lifetime.ts';
import { checkPinned, findRoot, type PinnedAnchors, parseChain, parsePinnedAnchors } from './anchors.ts';
import { openCaRecord } from './ca-record.ts';
import type { AcmPcaConfig } from './config.ts';
import { openCredentials } from './credentials.ts';
import { type Order, openOrders } from './orders.ts';
import { pollCertificate } from './poll.ts';
import type { PemChain, PrivateCa } from './private-ca.ts';
import { openCapTeller } from './tell-caps.ts';
import { chooseEnd } from './validity.ts';

/** The longest delay of Node's timers. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** It hardly ever changes, and AWS counts the questions of a whole account. */
const ROOT_KNOWN_MS = 60 * 60 * 1000;

/** Opens no connection, and loads no SDK, before the first call; what belongs together has a connection of its own. */
export function openAcmPca(config: AcmPcaConfig, context: IssuerContext): Issuer {
  const { clock, observer, log, requestTimeoutMs } = context;
  const credentials = openCredentials(config, context);
  const record = openCaRecord(clock);
  const orders = openOrders(clock);
  const tellCap = openCapTeller(log, context.backend);
  const watchLifetime = openLifetimeWatch(log, {
    backend: context.backend,
    raise: () => 'see the template and the policy of the CA',
  });
  const makePinned = ([pem]: readonly (string | undefined)[]) =>
    pem === undefined ? undefined : parsePinnedAnchors(pem);
  const readPinned = openLastGood([config.caCert], context.readSource, makePinned, log);
  let root: { readonly der: Buffer; readonly atMs: number } | undefined;
  const closing = new AbortController();

  async function withCa<T>(
    signal: AbortSignal,
    work: (ca: PrivateCa, limited: AbortSignal, loginSeconds: number) => Promise<T>,
  ): Promise<T> {
    const late = AbortSignal.timeout(Math.min(requestTimeoutMs, MAX_DELAY_MS));
    const limited = AbortSignal.any([signal, closing.signal, late]);
    const startedAtMs = clock.monotonicMs();
    const [found, { connectPrivateCa }] = await Promise.all([credentials.find(limited), import('./client.ts')]);
    const loginSeconds = (clock.monotonicMs() - startedAtMs) / 1000;
    const clockSeen = (awsNowMs: number) => observer.clockSkewSeen(Math.round((awsNowMs - clock.nowMs()) / 1000));
    const ca = connectPrivateCa({ config, credentials: found, signal: limited, requestTimeoutMs, clockSeen });
    try {
      return await work(ca, limited, loginSeconds);
    } catch (thrown) {
      if (AgentError.from(thrown).code === 'ERR_LOGIN_DENIED') credentials.forget();
      throw thrown;
    } finally {
      ca.close();
    }
  }

  async function issue(request: IssueRequest, ca: PrivateCa, signal: AbortSignal): Promise<Issued> {
    const { makeCsr, ttlSeconds, fullTtlSeconds: fullSeconds } = request;
    const pinned = await readPinned();
    const [csr, description] = await Promise.all([makeCsr(), record.read(ca)]);
    const startedAtMs = clock.monotonicMs();
    const order = orders.take(csr, ttlSeconds, () => {
      const end = chooseEnd(ttlSeconds, description, clock.nowMs());
      tellCap(end);
      return end.endSeconds;
    });
    const answer = await fill(order, description.signingAlgorithm, ca, signal);
    const issued = readAnswer(answer, pinned);
    observer.stepTook('sign', (clock.monotonicMs() - startedAtMs) / 1000);
    const endSeconds = new X509Certificate(issued.chain[0] as Buffer).validToDate.getTime() / 1000;
    const nowSeconds = clock.nowMs() / 1000;
    watchLifetime({ askedSeconds: order.endSeconds - nowSeconds, fullSeconds, gotSeconds: endSeconds - nowSeconds });
    if (pinned === undefined) root = { der: issued.roots[0] as Buffer, atMs: clock.monotonicMs() };
    return issued;
  }

  async function fill(order: Order, signingAlgorithm: string, ca: PrivateCa, signal: AbortSignal): Promise<PemChain> {
    try {
      order.certificateArn ??= await ca.issue({ ...order, signingAlgorithm });
      const found = await pollCertificate(ca, order, clock, signal);
      if (found === undefined) throw explainWaiting(signal, requestTimeoutMs);
      orders.close(order);
      return found;
    } catch (thrown) {
      const { code, detail } = AgentError.from(thrown);
      // What AWS will never make need not be asked for again.
      if (code === 'ERR_CA_REFUSED') orders.close(order);
      // The next attempt says which state that is.
      if (code === 'ERR_CA_REFUSED' || detail === 'ca_state') record.forget();
      throw thrown;
    }
  }

  return {
    issue(request, signal) {
      // The key is made while credentials are looked for; when that fails, so may the key.
      request.makeCsr().catch(() => undefined);
      return withCa(signal, async (ca, limited, loginSeconds) => {
        const issued = await issue(request, ca, limited);
        observer.stepTook('login', loginSeconds);
        return issued;
      });
    },
    async probe(signal) {
      if (!record.isWellEnough()) await withCa(signal, (ca) => record.look(ca));
    },
    async readRoots(signal) {
      const pinned = await readPinned();
      if (pinned !== undefined) return pinned.anchors;
      if (root === undefined || clock.monotonicMs() - root.atMs >= ROOT_KNOWN_MS) {
        const der = await withCa(signal, async (ca) => findRoot(await ca.getCaCertificate()));
        root = { der, atMs: clock.monotonicMs() };
      }
      return [root.der];
    },
    async close() {
      closing.abort();
    },
  };
}

/** The pinned anchors are what peers trust; without them the root that AWS sends along. */
function readAnswer(answer: PemChain, pinned: PinnedAnchors | undefined): Issued {
  const chain = parseChain(answer);
  if (pinned === undefined) return { chain, roots: [chain.at(-1) as Buffer] };
  const known = [...chain, ...pinned.intermediates];
  checkPinned(known, pinned);
  return { chain: known, roots: pinned.anchors };
}

function explainWaiting(signal: AbortSignal, requestTimeoutMs: number): AgentError {
  if ((signal.reason as Error | undefined)?.name !== 'TimeoutError') {
    return new AgentError('ERR_CA_UNAVAILABLE', 'the request to AWS Private CA was given up');
  }
  const limit = `${requestTimeoutMs / 1000} s`;
  return new AgentError('ERR_CA_UNAVAILABLE', `AWS Private CA has not made the certificate within ${limit}`, {
    detail: 'in_progress',
    remedy: 'the same one is asked for again, none is bought twice; if this goes on, raise dpCert.requestTimeout',
  });
}
