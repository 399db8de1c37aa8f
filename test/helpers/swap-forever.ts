/**
 * A process that delivers two generations in turn until it is killed: `node swap-forever.ts DIRECTORY STORED STORED`,
 * STORED being files of `storeGeneration`. Prints a line when it is
 * about to begin, and one after each delivery.
 */
import { readFileSync } from 'node:fs';
import { openFiles } from '../../src/delivery/files/files.ts';
import { filesConfig, filesOptions } from './files-bench.ts';
import { readStoredGeneration } from './stored-generation.ts';

const [directory = '', ...stored] = process.argv.slice(2);
const generations = stored.map((path) => readStoredGeneration(readFileSync(path, 'utf8')));
const files = openFiles(filesConfig(directory, { graceMs: 2_000 }), filesOptions());
process.stdout.write('ready\n');
for (;;) {
  for (const generation of generations) {
    await files.deliver(generation);
    process.stdout.write('delivered\n');
  }
}
