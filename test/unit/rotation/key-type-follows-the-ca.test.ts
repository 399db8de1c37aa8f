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
