/**
 * `npm run bench [-- SECTION...]`: the sections that are named, or all. `--json` prints figures for machines, `--quick`
 * has fewer runs and shorter waits, `--minutes` sets the length of the long ones. Nothing here fails on a figure.
 *
 * @module
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPeers } from '../../scripts/install-peers.mjs';
import { builtProgram } from '../helpers/agent.ts';
import { benchIdle, benchMemory, benchStart } from './beside-vault-agent.ts';
import { benchDelivery } from './delivery.ts';
import { benchFleet } from './fleet.ts';
import { benchLong } from './long.ts';
import { benchMemoryOfSockets } from './memory-of-sockets.ts';
import { benchPush } from './push-to-streams.ts';
import { type Row, renderJson, renderTable } from './rows.ts';
import type { BenchContext, Section } from './section.ts';
import { openVaultSetting } from './vault-setting.ts';

const SECTIONS: Readonly<Record<string, readonly Section[]>> = {
  start: [benchStart],
  memory: [benchMemory, benchMemoryOfSockets],
  idle: [benchIdle],
  delivery: [benchDelivery],
  push: [benchPush],
  fleet: [benchFleet],
  long: [benchLong],
};

const { values: options, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, minutes: { type: 'string' } },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(SECTIONS);
const minutes = options.minutes === undefined ? undefined : Number(options.minutes);
if (!names.every((name) => Object.hasOwn(SECTIONS, name)) || (minutes !== undefined && !(minutes > 0))) {
  process.stderr.write(
    `usage: npm run bench -- [${Object.keys(SECTIONS).join('|')}]... [--json] [--quick] [--minutes N]\n`,
  );
  process.exit(2);
}

const say = (line: string) => process.stderr.write(`${line}\n`);
await installPeers(say);
// As a memory-backed emptyDir is: what a disk makes of fsync is not what is compared here.
const volume = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const directory = mkdtempSync(join(volume, 'meshcert-bench-'));
const vaultSetting = openVaultSetting(directory);
const context: BenchContext = {
  directory,
  quick: options.quick === true,
  minutes,
  program: builtProgram(),
  say,
  vaultSetting: vaultSetting.get,
};
try {
  const rows: Row[] = [];
  for (const section of names.flatMap((name) => SECTIONS[name] ?? [])) rows.push(...(await section(context)));
  process.stdout.write(options.json ? renderJson(rows) : renderTable(rows));
} finally {
  await vaultSetting.close();
  rmSync(directory, { recursive: true, force: true });
}
