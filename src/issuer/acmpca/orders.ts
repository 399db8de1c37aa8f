import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';

/** AWS knows a token for 5 minutes; the rest is for the way there. */
const TOKEN_WINDOW_MS = 4.5 * 60 * 1000;

/** A certificate that was asked for, and that is not here yet. */
export interface Order {
  readonly csr: Buffer;
  readonly token: string;
  /** Seconds since 1970. */
  readonly endSeconds: number;
  /** Undefined: AWS has not said that it took the order; it may have. */
  certificateArn?: string | undefined;
}

/**
 * Remembers the order that is not filled yet, so that an attempt which failed half-way is gone on with instead of paying for
 * a second certificate: with the same token as long as AWS knows it, or, once AWS has named the certificate, by fetching it.
 */
export interface Orders {
  /** The open order for this very request, unless it has become useless; else a new one. */
  take(csr: Buffer, ttlSeconds: number, chooseEndSeconds: () => number): Order;
  /** It was filled, or never will be. */
  close(order: Order): void;
}

export function openOrders(clock: Clock): Orders {
  let placed = 0;
  let open: { readonly order: Order; readonly atMs: number } | undefined;

  function isUseful({ order, atMs }: NonNullable<typeof open>, ttlSeconds: number): boolean {
    if (order.certificateArn === undefined) return clock.monotonicMs() - atMs < TOKEN_WINDOW_MS;
    return order.endSeconds - clock.nowMs() / 1000 > ttlSeconds / 2;
  }

  return {
    take(csr, ttlSeconds, chooseEndSeconds) {
      if (open?.order.csr.equals(csr) && isUseful(open, ttlSeconds)) return open.order;
      const endSeconds = chooseEndSeconds();
      placed += 1;
      open = { order: { csr, endSeconds, token: makeToken(csr, placed) }, atMs: clock.monotonicMs() };
      return open.order;
    },
    close(order) {
      if (open?.order === order) open = undefined;
    },
  };
}

/** 32 letters and digits, another one for each order: a second for the same request must not be answered with the first. */
function makeToken(csr: Buffer, placed: number): string {
  return createHash('sha256').update(`${placed} `).update(csr).digest('hex').slice(0, 32);
}
