import t from 'tap';
import { type Order, openOrders } from '../../../../src/issuer/acmpca/orders.ts';
import { FakeClock } from '../../../helpers/fake-clock.ts';

const MINUTE_MS = 60_000;
const TTL_SECONDS = 24 * 3600;

function setUp() {
  const clock = new FakeClock();
  const orders = openOrders(clock);
  const take = (csr: string): Order =>
    orders.take(Buffer.from(csr), TTL_SECONDS, () => Math.floor(clock.nowMs() / 1000) + TTL_SECONDS);
  return { clock, orders, take };
}

t.test('the same request is the same order while AWS knows its token', async (t) => {
  const { clock, take } = setUp();
  const first = take('a');
  clock.advance(4 * MINUTE_MS);
  t.equal(take('a'), first, 'with the same token and the same end');
  clock.advance(MINUTE_MS);
  const later = take('a');
  t.not(later.token, first.token);
  t.equal(later.endSeconds, first.endSeconds + 300, 'a new order is for the whole life');
});

t.test('what AWS has named is fetched as long as half of its life is left', async (t) => {
  const { clock, take } = setUp();
  const order = take('a');
  order.certificateArn = 'arn:aws:acm-pca:...';
  clock.advance(11 * 60 * MINUTE_MS);
  t.equal(take('a'), order);
  clock.advance(2 * 60 * MINUTE_MS);
  t.not(take('a'), order);
});

t.test('another request is another order', async (t) => {
  const { take } = setUp();
  const order = take('a');
  t.not(take('b').token, order.token);
});

t.test('what was closed is not gone on with, not even within the same second', async (t) => {
  const { orders, take } = setUp();
  const order = take('a');
  orders.close(order);
  const next = take('a');
  t.equal(next.endSeconds, order.endSeconds);
  t.not(next.token, order.token, 'AWS would answer the same token with the same certificate');
});

t.test('tokens are what AWS takes', async (t) => {
  const { take } = setUp();
  t.match(take('a').token, /^[0-9a-f]{32}$/);
});
