import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { AgentError } from '../errors.ts';
import type { Cluster, Credentials, TlsOptions } from './credentials.ts';
import { explainFailure } from './network-errors.ts';
import { type Attempt, explainStatus } from './status-errors.ts';

/** A list of thousands of objects is read in pages; one page, or one object of etcd's limit, is far below. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** As client-go: below the idle limits of load balancers. */
const KEEP_ALIVE_MS = 30_000;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its slash at the start, escaped. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
}

/** HTTP to one API server; connections are kept until `close`. */
export interface Transport {
  readonly address: string;
  /** @throws AgentError of everything but a success. */
  send(call: Call, signal: AbortSignal): Promise<unknown>;
  /**
   * The lines of an answer as they come. Ends when the server ends it.
   *
   * @param limitMs for the whole stream.
   */
  readLines(call: Call, limitMs: number, signal: AbortSignal): AsyncGenerator<string>;
  close(): void;
}

/** @param limitMs until an answer begins, and for one that is no stream, until it ends. */
export function openTransport(cluster: Cluster, limitMs: number): Transport {
  const base = new URL(cluster.address);
  const isTls = base.protocol === 'https:';
  let current: { readonly tls: TlsOptions; readonly agent: HttpAgent } | undefined;
  const agents = new Set<HttpAgent>();

  /** Another CA or client certificate means other connections; watches on the old ones run out by themselves. */
  function chooseAgent({ tls, proxy }: Credentials): HttpAgent {
    if (proxy !== undefined) return proxy;
    if (current === undefined || !isDeepStrictEqual(current.tls, tls)) {
      const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS };
      current = { tls, agent: isTls ? new Agent({ ...options, ...dropUndefined(tls) }) : new HttpAgent(options) };
      agents.add(current.agent);
    }
    return current.agent;
  }

  async function connect(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const credentials = await cluster.readCredentials();
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
    const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query)}`;
    const request = (isTls ? requestHttps : requestHttp)({
      protocol: base.protocol,
      hostname: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      path: `${base.pathname.replace(/\/+$/, '')}${call.path}${query}`,
      method: call.method,
      agent: chooseAgent(credentials),
      signal,
      ...(isTls && dropUndefined(credentials.tls)),
      headers: {
        Accept: 'application/json',
        'User-Agent': 'meshcert',
        ...credentials.headers,
        ...(payload !== undefined && {
          'Content-Type': call.contentType ?? 'application/json',
          'Content-Length': String(Buffer.byteLength(payload)),
        }),
      },
    });
    return new Promise((resolve, reject) => {
      request.on('response', resolve).on('error', reject).end(payload);
    });
  }

  async function readAnswer(response: IncomingMessage, attempt: Attempt): Promise<unknown> {
    const body = parseJson(await readText(response));
    const { statusCode: status = 0, headers } = response;
    if (status < 200 || status >= 300) {
      throw explainStatus({ status, body, retryAfterMs: readRetryAfter(headers['retry-after']) }, attempt);
    }
    if (body === undefined) throw explainStatus({ status, body, retryAfterMs: undefined }, attempt);
    return body;
  }

  return {
    address: cluster.address,
    async send(call, signal) {
      const attempt = { address: cluster.address, method: call.method, path: call.path, isWatch: false };
      const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
      try {
        return await readAnswer(await connect(call, limited), attempt);
      } catch (cause) {
        throw explainFailure(cause, { ...attempt, limitMs }, limited);
      }
    },
    async *readLines(call, streamLimitMs, signal) {
      const attempt = { address: cluster.address, method: call.method, path: call.path, isWatch: true, limitMs };
      const late = new AbortController();
      const expire = () => late.abort(new DOMException('time is up', 'TimeoutError'));
      const limited = AbortSignal.any([signal, late.signal]);
      let timer = setTimeout(expire, limitMs);
      try {
        const response = await connect(call, limited);
        if (response.statusCode !== 200) await readAnswer(response, attempt);
        clearTimeout(timer);
        timer = setTimeout(expire, streamLimitMs);
        yield* splitLines(response);
      } catch (cause) {
        throw explainFailure(cause, attempt, limited);
      } finally {
        clearTimeout(timer);
        late.abort();
      }
    },
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new AgentError('ERR_CA_PROTOCOL', 'the answer is larger than any of Kubernetes');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* splitLines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const text of response.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ANSWER_BYTES) throw new AgentError('ERR_CA_PROTOCOL', 'the answer is no list of events');
    yield* lines.filter((line) => line.trim() !== '');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds; the API server sends no dates there. */
function readRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) * 1000 : undefined;
}

function dropUndefined(options: TlsOptions): TlsOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
