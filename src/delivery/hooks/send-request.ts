import type { IncomingMessage } from 'node:http';
import { AgentError } from '../../errors.ts';
import type { HttpHook } from './config.ts';

/**
 * Sends the request without a body over a connection of its own, and wants a status of 2xx. Redirects are not followed.
 *
 * @throws AgentError `ERR_DELIVERY`: not reachable, time limit, another status.
 */
export async function sendRequest({ name, method, url, timeoutMs }: HttpHook, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(timeoutMs);
  const fail = (why: string, detail: string, remedy: string) =>
    new AgentError('ERR_DELIVERY', `${name} failed: ${why}`, { detail, remedy });
  const status = await ask(method, url, AbortSignal.any([signal, limit])).catch((cause: NodeJS.ErrnoException) => {
    if (limit.aborted) throw fail(`no answer within ${timeoutMs / 1000} s`, 'timeout', 'see what keeps the program');
    throw fail(describeFailure(cause), 'unreachable', 'start the program, or mend the url');
  });
  if (status >= 200 && status < 300) return;
  const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : '';
  throw fail(`it answered ${status}${redirect}`, 'status', 'see why in the log of the program');
}

/** @returns the status, without waiting for the body. */
async function ask(method: string, url: string, signal: AbortSignal): Promise<number> {
  const { request } = await (url.startsWith('https:') ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': '0', 'user-agent': 'meshcert' };
    const sent = request(url, { method, headers, agent: false, signal }, (response: IncomingMessage) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    // Also for what goes wrong after the answer, which nobody needs.
    sent.on('error', reject);
    sent.end();
  });
}

function describeFailure({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ECONNRESET':
      return 'the connection was closed before an answer';
    case 'ENOTFOUND':
      return 'no such host';
    default:
      return code ?? message.split('\n', 1)[0] ?? 'no answer';
  }
}
