import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AgentError } from '../../errors.ts';
import { complaintOf } from './complaint.ts';

const MAX_ANSWER_BYTES = 1024 * 1024;

/** What Vault answered, whatever its status. */
export interface ReadAnswer {
  readonly status: number;
  /** The JSON; undefined when there was none. */
  readonly body: unknown;
  /** What Vault says went wrong: one line, bounded, without the secrets of the call. Empty when it says nothing. */
  readonly complaint: string;
  /** Where a redirect leads. */
  readonly location?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Vault's clock when it answered, without the parts of a second. */
  readonly vaultNowMs?: number | undefined;
  /** Vault's clock minus ours, to a second. */
  readonly clockSkewSeconds?: number | undefined;
}

/**
 * @param secrets what must not be repeated from the answer.
 * @throws AgentError `ERR_CA_PROTOCOL` for more than 1 MiB; an error of Node when the connection is cut.
 */
export async function readAnswer(
  message: IncomingMessage,
  secrets: readonly unknown[],
  sentAtMs: number,
  nowMs: () => number,
): Promise<ReadAnswer> {
  const text = await readText(message);
  const times = { sentAtMs, receivedAtMs: nowMs() };
  const { statusCode = 0, headers } = message;
  const body = parseJson(text);
  const dateMs = Date.parse(headers.date ?? '');
  const vaultNowMs = Number.isNaN(dateMs) ? undefined : dateMs;
  return {
    status: statusCode,
    body,
    complaint: statusCode < 400 ? '' : complaintOf(body, text, secrets),
    location: headers.location,
    retryAfterMs: readRetryAfter(headers, times.receivedAtMs),
    vaultNowMs,
    clockSkewSeconds: vaultNowMs === undefined ? undefined : computeClockSkew(vaultNowMs, times),
  };
}

/** By events: an asynchronous iterator costs half a millisecond more at its first use. */
function readText(message: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
      else message.destroy(explainFlood());
    });
    message.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    message.on('error', reject);
  });
}

function explainFlood(): AgentError {
  return new AgentError('ERR_CA_PROTOCOL', 'the answer is larger than any of Vault: more than 1 MiB', {
    remedy: 'check that conf.fromCp.address is that of Vault',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function readRetryAfter(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return ms >= 0 ? ms : undefined;
}

/** Vault looked at its clock between sending and receiving, and cut off half a second on average. */
function computeClockSkew(vaultNowMs: number, times: { sentAtMs: number; receivedAtMs: number }): number {
  return (vaultNowMs + 500 - (times.sentAtMs + times.receivedAtMs) / 2) / 1000;
}
