import t from 'tap';
import { openHealth } from '../../../src/grpc/health.ts';

const SERVING = { status: 1 };
const NOT_SERVING = { status: 2 };
const SERVICE_UNKNOWN = { status: 3 };

t.test('the server serves when all its services do', async (t) => {
  const health = openHealth(['a', 'b']);
  const check = () => ['', 'a', 'b'].map((service) => health.check({ service }));
  t.same(check(), [NOT_SERVING, NOT_SERVING, NOT_SERVING]);
  health.setServing('a', true);
  t.same(check(), [NOT_SERVING, SERVING, NOT_SERVING]);
  health.setServing('b', true);
  t.same(check(), [SERVING, SERVING, SERVING]);
  health.setServing('a', false);
  t.same(check(), [NOT_SERVING, NOT_SERVING, SERVING]);
});

t.test('an unknown service is NOT_FOUND', async (t) => {
  t.throws(() => openHealth(['a']).check({ service: 'c' }), { code: 5, details: 'there is no such service here' });
});

t.test('who watches is told each change once', async (t) => {
  const health = openHealth(['a', 'b']);
  const gone = new AbortController();
  const watching = health.watch({ service: 'a' }, { signal: gone.signal });
  t.same((await watching.next()).value, NOT_SERVING);
  const next = watching.next();
  health.setServing('b', true);
  await new Promise(setImmediate);
  health.setServing('a', true);
  t.same((await next).value, SERVING, 'and not what another service does');
  const last = watching.next();
  gone.abort();
  t.same(await last, { value: undefined, done: true });
});

t.test('who watches an unknown service is told so, and not sent away', async (t) => {
  const gone = new AbortController();
  const watching = openHealth(['a']).watch({ service: 'c' }, { signal: gone.signal });
  t.same((await watching.next()).value, SERVICE_UNKNOWN);
  const next = watching.next();
  t.equal(await Promise.race([next, 'still open']), 'still open');
  gone.abort();
  await next;
});
