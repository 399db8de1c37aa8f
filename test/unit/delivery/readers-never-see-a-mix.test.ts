import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { openFiles } from '../../../src/delivery/files/files.ts';
import { filesConfig, filesOptions } from '../../helpers/files-bench.ts';
import { openGenerationMaker } from '../../helpers/make-generation.ts';
import type { Seen } from '../../helpers/read-forever.ts';

const SWAPS = 250;

t.test(`a reader that resolves ..data once finds key and certificate that fit, through ${SWAPS} swaps`, async (t) => {
  const directory = t.testdir();
  const { make } = await openGenerationMaker();
  const generations = [await make(), await make({ keyType: 'rsa-2048' }), await make()];
  const files = openFiles(filesConfig(directory), filesOptions());
  const deliver = async (turn: number) => {
    const generation = generations[turn % generations.length];
    if (generation !== undefined) await files.deliver(generation);
  };
  await deliver(0);
  const reader = spawn(process.execPath, [join(import.meta.dirname, '../../helpers/read-forever.ts'), directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => reader.kill());
  await once(reader.stdout, 'readable');
  for (let turn = 1; turn <= SWAPS; turn += 1) await deliver(turn);
  reader.stdin.end();
  const seen: Seen = JSON.parse(await text(reader.stdout));
  await files.close();
  t.same(seen.broken, []);
  t.equal(seen.serialNumbers.length, generations.length, 'it saw them change');
  t.ok(seen.reads > SWAPS, `${seen.reads} reads`);
});
