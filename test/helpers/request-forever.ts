import { get } from 'node:https';
import type { TLSSocket } from 'node:tls';

const PARALLEL = 8;
const TIMEOUT_MS = 10_000;

export interface Requests {
  /** Those that were answered with 200. */
  answered: number;
  /** Upper-case hexadecimal. */
  readonly serialNumbers: Set<string>;
  /** The others, each in words. */
  readonly failures: string[];
  /** Resolves when the last one has ended. */
  stop(): Promise<void>;
}

/** Sends requests to 127.0.0.1, eight at a time, each over a connection of its own, until it is stopped. */
export function requestForever(port: number): Requests {
  let isStopped = false;
  const requests: Requests = { answered: 0, serialNumbers: new Set(), failures: [], stop };
  const workers = Array.from({ length: PARALLEL }, async () => {
    while (!isStopped) {
      try {
        const { status, serialNumber } = await request(port);
        if (status !== 200) throw new Error(`status ${status}`);
        requests.answered += 1;
        requests.serialNumbers.add(serialNumber);
      } catch (thrown) {
        requests.failures.push(String(thrown));
      }
    }
  });
  async function stop(): Promise<void> {
    isStopped = true;
    await Promise.all(workers);
  }
  return requests;
}

function request(port: number): Promise<{ status: number | undefined; serialNumber: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent: false, rejectUnauthorized: false, timeout: TIMEOUT_MS };
    const sent = get(options, (response) => {
      const serialNumber = (response.socket as TLSSocket).getPeerX509Certificate()?.serialNumber ?? '';
      response
        .resume()
        .on('end', () => resolve({ status: response.statusCode, serialNumber }))
        .on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time'))).on('error', reject);
  });
}
