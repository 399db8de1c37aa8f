import { readFileSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { connect } from 'node:http2';
import { get as getTls, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import type { Told } from './telling-app.ts';

export interface Answer {
  readonly status: number | undefined;
  /** Undefined when something on the way answered instead of the application. */
  readonly told: Told | undefined;
  readonly body: string;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Over TLS. */
  readonly tls?: {
    /** Folder of a member's files, whose certificate and key are used. */
    readonly identity?: string;
    /** PEM; without one, whoever answers is believed. */
    readonly ca?: string;
    readonly alpn?: readonly string[];
  };
}

/** One request on a connection of its own to 127.0.0.1. Rejects when there is no answer. */
export function callApp(port: number, { headers = {}, tls }: CallOptions = {}): Promise<Answer> {
  const options: RequestOptions = { host: '127.0.0.1', port, agent: false, timeout: 5_000, headers };
  const get = tls === undefined ? getPlain : getTls;
  return new Promise((resolve, reject) => {
    const request = get({ ...options, ...(tls && describeTls(tls)) }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body, told: parse(body) }), reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.on('error', reject);
  });
}

/** One request by HTTP/2 in plaintext. */
export async function callAppByHttp2(port: number): Promise<Told> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    return (await json(session.request({ ':path': '/' }).end())) as Told;
  } finally {
    session.close();
  }
}

function describeTls({ identity, ca, alpn }: NonNullable<CallOptions['tls']>): RequestOptions {
  const read = (name: string) => readFileSync(join(identity ?? '', name));
  return {
    ...(identity !== undefined && { cert: read('tls.crt'), key: read('tls.key') }),
    ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    ...(alpn !== undefined && { ALPNProtocols: [...alpn] }),
  };
}

function parse(body: string): Told | undefined {
  try {
    return JSON.parse(body) as Told;
  } catch {
    return undefined;
  }
}
