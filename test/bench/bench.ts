/**
 * `npm run bench`: meshcert beside Vault Agent, in turns, on the same Vault with the same login. `--json` prints figures
 * for machines, `--quick` fewer runs and shorter waits. Nothing here fails on a figure.
 *
 * @module
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { installPeers } from '../../scripts/install-peers.mjs';
import { freePort } from '../helpers/free-port.ts';
import { createKubernetesRole } from '../helpers/kubernetes-auth.ts';
import { startSharedPeers } from '../helpers/shared-peers.ts';
import { type Contender, prepareMeshcert, prepareVaultAgent, type Setting } from './contenders.ts';
import { measureFootprint, measureIdle, measureStart } from './measure.ts';

const { values: options } = parseArgs({ options: { json: { type: 'boolean' }, quick: { type: 'boolean' } } });
const STARTS = options.quick ? 7 : 25;
const FOOTPRINTS = options.quick ? 1 : 3;
const IDLE_SECONDS = options.quick ? 10 : 60;
/** A process that has just begun still tidies up. */
const SETTLE_SECONDS = options.quick ? 5 : 30;
const ROTATIONS = 3;
const program = resolve(import.meta.dirname, '../../dist/main.js');
const say = (line: string) => process.stderr.write(`${line}\n`);

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly vaultAgent: number;
  readonly meshcert: number;
}

await installPeers(say);
// As a memory-backed emptyDir is: what a disk makes of fsync is not what is compared here.
const volume = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const directory = mkdtempSync(join(volume, 'meshcert-bench-'));
const peers = await startSharedPeers();
try {
  const rows = await measureAll();
  process.stdout.write(options.json ? `${JSON.stringify(rows.map(withRatio), undefined, 2)}\n` : renderTable(rows));
} finally {
  await peers.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function measureAll(): Promise<Row[]> {
  const setting = await prepareVault();
  const starts = await inTurns('start to certificate', STARTS, { ...setting, ttlSeconds: 3600 }, measureStart);
  const footprints = await inTurns(
    'memory after three rotations',
    FOOTPRINTS,
    { ...setting, ttlSeconds: 8 },
    (contender) => measureFootprint(contender, ROTATIONS),
  );
  const idle = await inTurns('idle', 1, { ...setting, ttlSeconds: 3600 }, (contender) =>
    measureIdle(contender, SETTLE_SECONDS, IDLE_SECONDS),
  );
  const row = <T>(what: string, unit: string, pairs: Pair<T>[], pick: (one: T) => number, share: number): Row => ({
    what,
    unit,
    vaultAgent: percentile(
      pairs.map(({ vaultAgent }) => pick(vaultAgent)),
      share,
    ),
    meshcert: percentile(
      pairs.map(({ meshcert }) => pick(meshcert)),
      share,
    ),
  });
  return [
    row('process start to certificate on the volume, median', 'ms', starts, (ms) => ms, 0.5),
    row('process start to certificate on the volume, p90', 'ms', starts, (ms) => ms, 0.9),
    row('anonymous memory after 3 rotations', 'MB', footprints, ({ anonymousMb }) => anonymousMb, 0.5),
    row('resident memory after 3 rotations', 'MB', footprints, ({ residentMb }) => residentMb, 0.5),
    row('idle, CPU of one core', '%', idle, (percent) => percent, 0.5),
  ];
}

/** A PKI with an EC role, so that both sides make the key that they make by default, and a role to log in with. */
async function prepareVault(): Promise<Omit<Setting, 'ttlSeconds'>> {
  const { vault, cluster } = peers;
  await vault.shell(`
vault secrets enable -path=pki-bench pki
vault write pki-bench/root/generate/internal common_name=bench key_type=ec ttl=24h
vault write pki-bench/roles/web key_type=ec key_bits=256 require_cn=false "allowed_uri_sans=spiffe://bench/*" basic_constraints_valid_for_non_ca=true max_ttl=24h
vault policy write bench - <<EOF
path "pki-bench/issue/web" { capabilities = ["create", "update"] }
path "pki-bench/sign/web" { capabilities = ["create", "update"] }
EOF
`);
  await cluster.createNamespace('bench');
  await cluster.createServiceAccount('bench', 'web');
  const token = await cluster.createToken('bench', 'web', { audiences: ['vault'], expirationSeconds: 7200 });
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  await createKubernetesRole(vault, { role: 'bench', namespace: 'bench', serviceAccount: 'web', policies: ['bench'] });
  const vaultCaFile = vault.caFile;
  return {
    vaultAddress: vault.address,
    vaultCaFile,
    pkiMount: 'pki-bench',
    pkiRole: 'web',
    authRole: 'bench',
    tokenFile,
  };
}

interface Pair<T> {
  readonly vaultAgent: T;
  readonly meshcert: T;
}

/** One of each, again and again. */
async function inTurns<T>(
  what: string,
  times: number,
  setting: Setting,
  measure: (contender: Contender) => Promise<T>,
): Promise<Pair<T>[]> {
  const base = join(directory, what.replaceAll(' ', '-'));
  mkdirSync(base);
  const vaultAgent = prepareVaultAgent(join(base, 'vault-agent'), setting);
  const meshcert = prepareMeshcert(program, join(base, 'meshcert'), setting, await freePort());
  const pairs: Pair<T>[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    say(`${what}: ${turn + 1} of ${times}`);
    pairs.push({ vaultAgent: await measure(vaultAgent), meshcert: await measure(meshcert) });
  }
  return pairs;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function withRatio(row: Row): Row & { ratio: number } {
  return { ...row, ratio: row.meshcert / row.vaultAgent };
}

function renderTable(rows: readonly Row[]): string {
  const lines = rows
    .map(withRatio)
    .map(({ what, unit, vaultAgent, meshcert, ratio }) =>
      [
        what.padEnd(52),
        vaultAgent.toFixed(2).padStart(11),
        meshcert.toFixed(2).padStart(10),
        unit.padEnd(3),
        `${ratio.toFixed(2)}x`,
      ].join(' '),
    );
  return `${['what'.padEnd(52), 'Vault Agent'.padStart(11), 'meshcert'.padStart(10), '   ', 'ratio'].join(' ')}\n${lines.join('\n')}\n`;
}
