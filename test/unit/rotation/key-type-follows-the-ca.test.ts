import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { setUpRotation } from '../../helpers/rotation-bench.ts';

const demand = (keyType: string) => new AgentError('ERR_KEY_TYPE', `the role signs ${keyType}`, { detail: keyType });

t.test('a CA that demands RSA gets it in the same attempt, and from then on at once', async (t) => {
  const bench = await setUpRotation();
  bench.issuer.failures = [demand('rsa-2048')];
  await bench.start();
  t.same(
    bench.issuer.requests.map(({ keyType }) => keyType),
    ['ec-p256', 'rsa-2048'],
  );
  t.equal(bench.failed.length, 0);
  t.equal(bench.store.current()?.privateKey.asymmetricKeyDetails?.modulusLength, 2048);
  await bench.rotation.rotateNow('requested');
  t.same(
    bench.issuer.requests.map(({ keyType }) => keyType),
    ['ec-p256', 'rsa-2048', 'rsa-2048'],
  );
  await bench.end();
});

t.test('a key type that the user chose is not changed behind their back', async (t) => {
  const bench = await setUpRotation({ keyType: 'ec-p384' });
  bench.issuer.failures = [demand('rsa-2048')];
  await bench.start();
  t.equal(bench.failed[0]?.error.code, 'ERR_KEY_TYPE');
  t.equal(bench.issuer.requests.length, 1);
  await bench.end();
});

t.test('type and size may be demanded one after the other, and a CA that changes its mind is followed', async (t) => {
  const bench = await setUpRotation();
  bench.issuer.failures = [demand('rsa-2048'), demand('rsa-3072')];
  await bench.start();
  t.equal(bench.store.current()?.privateKey.asymmetricKeyDetails?.modulusLength, 3072);
  bench.issuer.failures = [demand('ec-p256')];
  t.equal((await bench.rotation.rotateNow('requested')).privateKey.asymmetricKeyType, 'ec');
  await bench.end();
});

t.test('a CA that refuses what it demanded is asked once per type in an attempt', async (t) => {
  const bench = await setUpRotation();
  bench.issuer.failures = [demand('rsa-2048'), demand('ec-p256'), demand('rsa-2048')];
  await bench.start();
  t.equal(bench.issuer.requests.length, 2);
  t.equal(bench.failed[0]?.error.code, 'ERR_KEY_TYPE');
  await bench.end();
});
