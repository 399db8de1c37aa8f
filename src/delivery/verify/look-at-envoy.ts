import { get, type IncomingMessage } from 'node:http';
import type { EnvoyAdminTarget } from './config.ts';
import { readServedSerialNumbers } from './envoy-certificates.ts';
import { describeNetworkFailure } from './network-failure.ts';
import type { Look } from './serial-numbers.ts';

/** Some hundred bytes for a certificate: an answer that is longer is not Envoy's. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * Asks Envoy's admin listener which certificates are loaded.
 *
 * @param signal ends the attempt.
 */
export async function lookAtEnvoy({ url }: EnvoyAdminTarget, signal: AbortSignal): Promise<Look> {
  try {
    const response = await ask(`${url}/certs`, signal);
    const text = await readAll(response);
    if (response.statusCode !== 200) return nothing(`it answers ${response.statusCode}`);
    return { serialNumbers: readServedSerialNumbers(JSON.parse(text)) };
  } catch (thrown) {
    return nothing(thrown instanceof SyntaxError ? 'its answer is no JSON' : describeNetworkFailure(thrown as Error));
  }
}

function nothing(trouble: string): Look {
  return { serialNumbers: [], trouble };
}

function ask(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, signal }, resolve).on('error', reject);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new RangeError('its answer does not end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
