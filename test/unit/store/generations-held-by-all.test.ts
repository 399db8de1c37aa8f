import t from 'tap';
import { openHeldByAll } from '../../../src/store/held-by-all.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';

const { make } = await openGenerationMaker();
const [one, two, three] = [await make({ number: 1 }), await make({ number: 2 }), await make({ number: 3 })];

t.test('a generation is there when the last of them has it or a newer one, and never an older one again', async (t) => {
  const { source, holds } = openHeldByAll(['a', 'b']);
  const told: (number | undefined)[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    for await (const state of source.changes(stop.signal)) told.push(state?.number);
  })();
  const after = async (name: string, generation: typeof one) => {
    holds(name, generation);
    await new Promise(setImmediate);
    return told.at(-1);
  };
  t.equal(await after('a', one), undefined);
  t.equal(await after('stranger', one), undefined);
  t.equal(await after('b', one), 1);
  t.equal(await after('a', two), 1);
  t.equal(await after('b', three), 2, 'b has passed the second');
  t.equal(await after('a', three), 3);
  t.equal(await after('a', two), 3, 'an old one was handed over again');
  t.same(told, [undefined, 1, 2, 3]);
  t.equal(source.current(), three);
  stop.abort();
  await reading;
});
