import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface JsonRequest {
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** The CA of an https address. */
  readonly caPem?: string | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

export interface JsonResponse<T> {
  readonly status: number;
  /** An empty answer is `{}`, one that is no JSON `{ text }`. */
  readonly body: T;
}

/** One HTTP request on a connection of its own. Rejects only when there was no answer. */
export async function requestJson<T = Record<string, unknown>>(
  url: string,
  { method = 'GET', headers = {}, body, caPem, timeoutMs = 30_000 }: JsonRequest = {},
): Promise<JsonResponse<T>> {
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const type = text === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { method, agent: false as const, headers: { ...type, ...headers }, ca: caPem, timeout: timeoutMs };
    const request = send(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) as T }),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url} within ${timeoutMs} ms`)));
    request.on('error', reject);
    request.end(text);
  });
}

function parse(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
