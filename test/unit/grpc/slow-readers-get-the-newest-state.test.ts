import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { readText, serveTexts } from '../../helpers/bundle-stream.ts';
import { eventually } from '../../helpers/eventually.ts';

/** A client that does not read takes in 8 MB, which is its window, and some messages. */
const FILLER = 'x'.repeat(1_000_000);
const STATES = 300;

t.test('a slow reader is asked for nothing but the newest state, and holds nobody up', async (t) => {
  let state = 0;
  let yielded = 0;
  const { call } = await serveTexts(t, async function* ({ signal }) {
    for (let seen = -1; !signal.aborted; ) {
      if (seen === state) {
        await turn();
        continue;
      }
      seen = state;
      yielded += 1;
      yield `${state} ${FILLER}`;
    }
  });
  const slow = call();
  slow.on('error', () => undefined);
  await once(slow, 'metadata');
  let before = -1;
  for (; state < STATES; state += 1) await turn();
  await eventually('no more is sent', () => {
    const still = before === yielded;
    before = yielded;
    return still;
  });
  t.ok(yielded < 50, `${yielded} of ${STATES} states were made for a client that does not read`);

  const quick = call();
  const [message] = await once(quick, 'data');
  t.match(readText(message), new RegExp(`^${STATES} `), 'others get the newest at once');

  let last = '';
  slow.on('data', (late) => {
    last = readText(late).split(' ', 1)[0] ?? '';
  });
  await eventually('the slow one has the newest state, too', () => last === `${STATES}`);
  slow.cancel();
  quick.on('error', () => undefined);
  quick.cancel();
});
