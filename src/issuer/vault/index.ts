/**
 * The issuer for HashiCorp Vault's PKI engine: each `issue` logs in, has the request signed, and gives the token back. What
 * stands in the way of that, see kept-login.ts and token-care.ts.
 *
 * @module
 */
import { AgentError } from '../../errors.ts';
import { keepLastGood, openLastGood } from '../../last-good.ts';
import type { Issued, IssueRequest, Issuer, IssuerContext } from '../issuer.ts';
import { parseCaChain } from './ca-chain.ts';
import { type AskVault, reachedAt, type VaultClient } from './client.ts';
import type { VaultConfig } from './config.ts';
import { openConnector } from './connect.ts';
import { probeVault, readRoots } from './health.ts';
import { type IssueOutcome, openKeptLogin } from './kept-login.ts';
import { type Login, logIn, readConfiguredToken } from './login.ts';
import { openSigner } from './sign.ts';
import { TOKEN_UNKNOWN } from './sign-errors.ts';
import { withTimeLimit } from './time-limit.ts';
import { careForToken } from './token-care.ts';

/** For what follows an issue: giving the token back, or looking after it. Nobody waits for it. */
const AFTERWARDS_LIMIT_MS = 5_000;
/** It waits until the certificate has been handed over, which matters more. */
const AFTERWARDS_DELAY_MS = 100;
/** How long `close` waits for that. */
const CLOSE_LIMIT_MS = 500;

/** Opens no connection before the first `issue`; each `issue` has one of its own. */
export function openVault(config: VaultConfig, given: IssuerContext): Issuer {
  const { clock, log, observer } = given;
  const context = { ...given, readSource: keepLastGood(given.readSource, log) };
  const connect = openConnector(config, context);
  const ca = { address: reachedAt(config), pki: config.pki };
  const makePinned = ([pem]: readonly (string | undefined)[]) => (pem === undefined ? undefined : parseCaChain(pem));
  const readPinned = openLastGood([config.caChain], context.readSource, makePinned, log);
  const sign = openSigner(config, context, readPinned);
  const keptLogin = openKeptLogin(clock);
  /** Of the last configured token that was used. */
  let care = new AbortController();
  const closing = new AbortController();
  const closed = new AbortController();
  const running = new Set<Promise<unknown>>();

  const track = <T>(work: Promise<T>): Promise<T> => {
    const done: Promise<unknown> = work.then(noop, noop).finally(() => running.delete(done));
    running.add(done);
    return work;
  };

  const bind =
    (client: VaultClient, signal: AbortSignal): AskVault =>
    async (call) => {
      const answer = await client.request(call, signal);
      if (answer.clockSkewSeconds !== undefined) observer.clockSkewSeen(answer.clockSkewSeconds);
      return answer;
    };

  /** A connection of its own, for as long as the work takes. */
  async function withClient<T>(
    limitMs: number,
    signals: readonly AbortSignal[],
    work: (ask: AskVault) => Promise<T>,
  ): Promise<T> {
    const client = await connect();
    try {
      return await withTimeLimit(limitMs, signals, (limited) => work(bind(client, limited)));
    } finally {
      client.close();
    }
  }

  async function issue(request: IssueRequest, signal: AbortSignal): Promise<Issued> {
    care.abort();
    const client = await connect();
    let login = keptLogin.take();
    let outcome: IssueOutcome = { kind: 'failed' };
    try {
      return await withTimeLimit(context.requestTimeoutMs, [signal, closing.signal], async (limited) => {
        const ask = bind(client, limited);
        const issueAnew = async () => {
          // The key is made while Vault looks at the login; when that fails, so may the key.
          login = await logIn(config, context, ask, () => void request.makeCsr().catch(noop));
          return sign(request, login, ask);
        };
        const issued = await (login === undefined
          ? issueAnew()
          : sign(request, login, ask).catch((thrown: unknown) => {
              if (!isAboutLogin(thrown)) throw thrown;
              track(giveBack(login, ask));
              return issueAnew();
            }));
        outcome = { kind: 'issued', ttlSeconds: request.ttlSeconds };
        return issued;
      });
    } catch (thrown) {
      if (AgentError.from(thrown).code === 'ERR_KEY_TYPE') outcome = { kind: 'retried' };
      throw thrown;
    } finally {
      track(tidyUp(client, login, outcome));
    }
  }

  async function tidyUp(client: VaultClient, login: Login | undefined, outcome: IssueOutcome): Promise<void> {
    try {
      const kept = login && keptLogin.keep(login, outcome);
      if (kept !== undefined) {
        client.close();
        if (await kept) await withClient(AFTERWARDS_LIMIT_MS, [closed.signal], (ask) => giveBack(login, ask));
        return;
      }
      await clock.sleep(AFTERWARDS_DELAY_MS, closing.signal);
      if (login?.kind === 'configured') return await lookAfterToken();
      await withTimeLimit(AFTERWARDS_LIMIT_MS, [closed.signal], (limited) => giveBack(login, bind(client, limited)));
    } catch (thrown) {
      log.debug('afterwards failed', { backend: context.backend, error: AgentError.from(thrown).line });
    } finally {
      client.close();
    }
  }

  async function giveBack(login: Login | undefined, ask: AskVault): Promise<void> {
    if (login?.kind !== 'borrowed') return;
    const path = 'auth/token/revoke-self';
    const { status, complaint } = await ask({
      method: 'POST',
      path,
      token: login.token,
      purpose: 'revoking our token',
    });
    if (status >= 300) log.debug('vault token not revoked', { backend: context.backend, status, complaint });
  }

  async function lookAfterToken(): Promise<void> {
    const { auth } = config;
    if (auth.method !== 'token') return;
    care.abort();
    care = new AbortController();
    if (closing.signal.aborted) care.abort();
    const ask: AskVault = (call) => withClient(AFTERWARDS_LIMIT_MS, [closed.signal], (asking) => asking(call));
    const readToken = () => readConfiguredToken(auth.token, context);
    await careForToken({ ...context, ask, readToken }, care.signal);
  }

  /** What needs neither login nor certificate. */
  const lookUp = <T>(signal: AbortSignal, work: (ask: AskVault) => Promise<T>) =>
    track(withClient(context.requestTimeoutMs, [signal, closing.signal], work));

  return {
    issue: (request, signal) => track(issue(request, signal)),
    probe: (signal) => lookUp(signal, (ask) => probeVault(ca, ask, clock.nowMs())),
    async readRoots(signal) {
      return (await readPinned())?.anchors ?? lookUp(signal, (ask) => readRoots(ca, ask));
    },
    async close() {
      closing.abort();
      care.abort();
      keptLogin.close();
      const limit = new AbortController();
      const finish = async () => {
        while (running.size > 0) await Promise.all(running);
      };
      await Promise.race([finish(), clock.sleep(CLOSE_LIMIT_MS, limit.signal)]);
      limit.abort();
      closed.abort();
    },
  };
}

/** Whether a new login may help one that was kept: it has ended, or what its role grants has changed. */
function isAboutLogin(thrown: unknown): boolean {
  const { code, detail } = AgentError.from(thrown);
  return code === 'ERR_CA_DENIED' || detail === TOKEN_UNKNOWN;
}

function noop(): void {}
