import type { Clock } from '../../clock.ts';
import type { Order } from './orders.ts';
import type { PemChain, PrivateCa } from './private-ca.ts';

/** AWS takes from a fraction of a second to some seconds, and counts the questions of a whole account. */
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 3_000;

/** Fetches the certificate of an order as soon as it is ready. @returns undefined when the signal is aborted before. */
export async function pollCertificate(
  ca: Pick<PrivateCa, 'getCertificate'>,
  { certificateArn = '', token }: Order,
  clock: Clock,
  signal: AbortSignal,
): Promise<PemChain | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const found = await ca.getCertificate(certificateArn);
    if (found !== undefined) return found;
    await clock.sleep(computePollDelayMs(attempt, toUnit(token)), signal);
  }
  return undefined;
}

/** Doubled each time, and drawn out by up to a half, so that agents which began together do not ask together. */
export function computePollDelayMs(attempt: number, unit: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS) * (1 + unit / 2);
}

/** From 0 to 1, another one for each order: its token is a hash. */
function toUnit(token: string): number {
  return Number.parseInt(token.slice(0, 8), 16) / 0xffff_ffff;
}
