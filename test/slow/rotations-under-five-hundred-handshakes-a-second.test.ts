import t from 'tap';
import { rotateUnderHandshakes } from '../helpers/rotate-under-handshakes.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const SECONDS = 60;
const PER_SECOND = 500;

t.setTimeout(180_000);

t.test('no handshake fails while the certificate that Envoy has by SDS is replaced every second', async (t) => {
  const directory = temporaryDirectory(t);
  const { rotations, servedMs, handshakes, failures, envoy } = await rotateUnderHandshakes(t, {
    directory,
    secrets: 'sds',
    seconds: SECONDS,
    perSecond: PER_SECOND,
  });
  const { answered, failed, seconds } = handshakes;
  t.equal(failed, 0, `${Math.round(answered / seconds)} connections a second were answered`);
  t.same(failures.slice(0, 5), []);
  t.equal(rotations, SECONDS);
  t.equal(servedMs.length, rotations, 'handshakes have met every certificate');
  t.same(envoy, { accepted: answered, shaken: answered, answered }, 'Envoy counted the same');
});
