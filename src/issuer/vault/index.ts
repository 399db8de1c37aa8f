/**
 * The issuer for HashiCorp Vault's PKI engine: each `issue` logs in, has the request signed, and gives the token back.
 *
 * @module
 */
import { AgentError } from '../../errors.ts';
import type { Issued, IssueRequest, Issuer, IssuerContext } from '../issuer.ts';
import { readCaChain } from './ca-chain.ts';
import { type AskVault, reachedAt, type VaultClient } from './client.ts';
import type { VaultConfig } from './config.ts';
import { openConnector } from './connect.ts';
import { probeVault, readRoots } from './health.ts';
import { asRecord, asString } from './json.ts';
import { type Login, logIn } from './login.ts';
import { openSigner } from './sign.ts';
import { withTimeLimit } from './time-limit.ts';

/** For what follows an issue: giving the token back, or looking when it ends. Nobody waits for it. */
const AFTERWARDS_LIMIT_MS = 5_000;
/** It waits until the certificate has been handed over, which matters more. */
const AFTERWARDS_DELAY_MS = 100;
/** How long `close` waits for that. */
const CLOSE_LIMIT_MS = 500;

/** Opens no connection before the first `issue`; each `issue` has one of its own. */
export function openVault(config: VaultConfig, context: IssuerContext): Issuer {
  const { clock, log, observer } = context;
  const connect = openConnector(config, context);
  const ca = { address: reachedAt(config), pki: config.pki };
  const sign = openSigner(config, context);
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

  async function issue(request: IssueRequest, signal: AbortSignal): Promise<Issued> {
    const client = await connect();
    let login: Login | undefined;
    try {
      return await withTimeLimit(context.requestTimeoutMs, [signal, closing.signal], async (limited) => {
        const ask = bind(client, limited);
        // The key is made while Vault looks at the login; when that fails, so may the key.
        login = await logIn(config, context, ask, () => void request.makeCsr().catch(noop));
        return await sign(request, login, ask);
      });
    } finally {
      track(tidyUp(client, login));
    }
  }

  async function tidyUp(client: VaultClient, login: Login | undefined): Promise<void> {
    try {
      if (login === undefined || login.kind === 'batch') return;
      const { token, kind } = login;
      await clock.sleep(AFTERWARDS_DELAY_MS, closing.signal);
      await withTimeLimit(AFTERWARDS_LIMIT_MS, [closed.signal], async (limited) => {
        const ask = bind(client, limited);
        await (kind === 'borrowed' ? revoke(token, ask) : observeExpiry(token, ask));
      });
    } catch (thrown) {
      log.debug('afterwards failed', { backend: context.backend, error: AgentError.from(thrown).line });
    } finally {
      client.close();
    }
  }

  async function revoke(token: string, ask: AskVault): Promise<void> {
    const path = 'auth/token/revoke-self';
    const { status, complaint } = await ask({ method: 'POST', path, token, purpose: 'revoking our token' });
    if (status >= 300) log.debug('vault token not revoked', { backend: context.backend, status, complaint });
  }

  async function observeExpiry(token: string, ask: AskVault): Promise<void> {
    const path = 'auth/token/lookup-self';
    const { body } = await ask({ method: 'GET', path, token, purpose: 'looking up our token' });
    const expireTime = Date.parse(asString(asRecord(asRecord(body).data).expire_time) ?? '');
    if (!Number.isNaN(expireTime)) observer.credentialExpires('vault_token', expireTime);
  }

  /** What needs neither login nor certificate, on a connection of its own. */
  async function lookUp<T>(signal: AbortSignal, work: (ask: AskVault) => Promise<T>): Promise<T> {
    const client = await connect();
    try {
      const signals = [signal, closing.signal];
      return await withTimeLimit(context.requestTimeoutMs, signals, (limited) => work(bind(client, limited)));
    } finally {
      client.close();
    }
  }

  return {
    issue: (request, signal) => track(issue(request, signal)),
    probe: (signal) => track(lookUp(signal, (ask) => probeVault(ca, ask, clock.nowMs()))),
    async readRoots(signal) {
      if (config.caChain !== undefined) return (await readCaChain(config.caChain, context.readSource)).anchors;
      return track(lookUp(signal, (ask) => readRoots(ca, ask)));
    },
    async close() {
      closing.abort();
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

function noop(): void {}
