import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { setUpRotation, unreachable } from '../../helpers/rotation-bench.ts';

type Bench = Awaited<ReturnType<typeof setUpRotation>>;

async function listRequests({ issuer }: Pick<Bench, 'issuer'>): Promise<string[]> {
  return Promise.all(issuer.requests.map(async ({ makeCsr }) => (await makeCsr()).toString('hex')));
}

t.test('a CA that may have taken a request is asked with the same one again', async (t) => {
  const bench = await setUpRotation();
  bench.issuer.failures = [unreachable(), unreachable()];
  await bench.start();
  await bench.pass(60_000);
  const [first, ...others] = await listRequests(bench);
  t.ok(bench.store.current(), 'there is an identity');
  t.same(others, [first, first]);
  await bench.end();
});

t.test('every generation has a key of its own', async (t) => {
  const bench = await setUpRotation();
  await bench.start();
  await bench.rotation.rotateNow('requested');
  bench.issuer.failures = [unreachable()];
  await t.rejects(bench.rotation.rotateNow('requested'));
  await bench.rotation.rotateNow('requested');
  const requests = await listRequests(bench);
  t.equal(requests.length, 4);
  t.equal(new Set(requests).size, 3);
  t.equal(requests[2], requests[3]);
  await bench.end();
});

t.test('a certificate that is refused takes its key with it', async (t) => {
  const bench = await setUpRotation();
  bench.issuer.failures = [{ uris: ['spiffe://default/somebody-else'] }];
  await bench.start();
  t.equal(bench.failed[0]?.error.code, 'ERR_BAD_CERTIFICATE');
  await bench.pass(60_000);
  const requests = await listRequests(bench);
  t.ok(bench.store.current());
  t.equal(new Set(requests).size, requests.length);
  await bench.end();
});

t.test('another key type is another request, and no request goes to another CA', async (t) => {
  const bench = await setUpRotation({ standbys: 1 });
  bench.issuer.failures = [new AgentError('ERR_KEY_TYPE', 'RSA only', { detail: 'rsa-2048' }), unreachable()];
  await bench.start();
  await bench.pass(30_000);
  const [ec, rsa] = await listRequests(bench);
  t.not(ec, rsa);
  const [standby] = bench.standbys;
  const others = standby === undefined ? [] : await listRequests({ issuer: standby });
  t.equal(others.length, 1, 'the standby was asked');
  t.notOk([ec, rsa].includes(others[0]));
  await bench.end();
});
