/**
 * A process that reads as fast as it can until its input ends: `node read-forever.ts DIRECTORY`. Then it prints what it
 * has seen, as JSON.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIdentity } from './files-bench.ts';

export interface Seen {
  reads: number;
  serialNumbers: string[];
  /** Reads that found no whole generation, each in words. */
  broken: string[];
}

const [directory = ''] = process.argv.slice(2);
const serialNumbers = new Set<string>();
const seen: Seen = { reads: 0, serialNumbers: [], broken: [] };

function read() {
  seen.reads += 1;
  try {
    const found = readIdentity(directory);
    if (found === undefined) return seen.broken.push('no identity');
    if (!found.whole) seen.broken.push(`mixed: ${found.serialNumber}`);
    serialNumbers.add(found.serialNumber);
    const bundle = readFileSync(join(directory, 'credentialbundle.pem'), 'utf8');
    if (!/^-----BEGIN PRIVATE KEY-----[\s\S]*-----END CERTIFICATE-----\n$/.test(bundle))
      seen.broken.push('half a bundle');
  } catch (thrown) {
    seen.broken.push(String(thrown));
  }
}

let reading = true;
process.stdin.on('end', () => {
  reading = false;
});
process.stdin.resume();
function step() {
  read();
  if (reading) setImmediate(step);
  else process.stdout.write(JSON.stringify({ ...seen, serialNumbers: [...serialNumbers] }));
}
process.stdout.write('\n');
step();
