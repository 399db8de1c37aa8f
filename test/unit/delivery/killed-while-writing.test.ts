import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../../src/clock.ts';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { filesConfig, filesOptions, listGenerations, readIdentity } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';
import { storeGeneration } from '../../helpers/stored-generation.ts';

/** Kills are spread evenly over a little more than one delivery takes. */
const SPREAD_MS = 10;
const KILLS_WHILE_SWAPPING = 40;
const KILLS_AT_FIRST = 10;

const child = join(import.meta.dirname, '../../helpers/swap-forever.ts');

/** Kills the child `afterMs` after it has printed so many lines. */
async function killOnce(args: readonly string[], lines: number, afterMs: number): Promise<void> {
  // Without the test runner's own settings, which would double the time to start.
  const swapper = spawn(process.execPath, [child, ...args], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(swapper, 'exit');
  let printed = 0;
  await new Promise<void>((resolve) =>
    swapper.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk.split('\n').length - 1;
      if (printed >= lines) resolve();
    }),
  );
  await systemClock.sleep(afterMs, new AbortController().signal);
  swapper.kill('SIGKILL');
  const [, signal] = await ended;
  if (signal !== 'SIGKILL') throw new Error('it ended by itself');
}

t.test('after each kill a reader finds a whole generation', async (t) => {
  const root = t.testdir();
  const { make } = await openGenerationMaker();
  const serialNumbers: string[] = [];
  const paths: string[] = [];
  for (const number of [1, 2]) {
    const generation = await make({ number });
    serialNumbers.push(generation.serialNumber);
    paths.push(join(root, `${number}.json`));
    writeFileSync(join(root, `${number}.json`), storeGeneration(generation));
  }

  await t.test('or none, when the first was not published yet', async (t) => {
    let found = 0;
    for (let kill = 0; kill < KILLS_AT_FIRST; kill += 1) {
      const directory = join(root, `new-${kill}`);
      await killOnce([directory, ...paths], 1, (kill / KILLS_AT_FIRST) * 3 * SPREAD_MS);
      const identity = readIdentity(directory);
      if (identity !== undefined) found += 1;
      t.ok(identity === undefined || (identity.whole && serialNumbers.includes(identity.serialNumber)));
    }
    t.comment(`${found} of ${KILLS_AT_FIRST} had published`);
  });

  const directory = join(root, 'identity');
  await t.test('always, from the first publication on', async (t) => {
    for (let kill = 0; kill < KILLS_WHILE_SWAPPING; kill += 1) {
      await killOnce([directory, ...paths], 2, (kill / KILLS_WHILE_SWAPPING) * SPREAD_MS);
      const identity = readIdentity(directory);
      t.ok(identity?.whole && serialNumbers.includes(identity.serialNumber), `kill ${kill}`);
    }
    t.comment(`${listGenerations(directory).length} directories were left`);
  });

  await t.test('and the next run goes on from there, and removes what was left', async (t) => {
    const files = openFiles(filesConfig(directory, { graceMs: 0 }), filesOptions());
    const next = await make();
    await files.deliver(next);
    await files.close();
    t.same(readIdentity(directory), { serialNumber: next.serialNumber, whole: true });
    t.equal(listGenerations(directory).length, 1);
  });
});
