import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectLinesOnly } from '../helpers/expect-not-ready.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { configureKubernetesAuth, createKubernetesRole } from '../helpers/kubernetes-auth.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { startVaultTls } from '../helpers/vault.ts';
import { createWorkload } from '../helpers/vault-login.ts';

const SOAK_MS = 120_000;
/** Rotated after 8 s. */
const LIFE = '10s';
const ROTATION_TIMEOUT_MS = 30_000;
/** An agent that waits after failures, without a certificate, asks at least so often. */
const RECOVERY_TIMEOUT_MS = 90_000;
/** From the end of a certificate to the moment when no reader finds it any more. */
const WITHDRAWN_WITHIN_MS = 1_000;
const MORE_MEMORY_KIB = 8 * 1024;
const MORE_FILE_DESCRIPTORS = 4;

const IS_ROOT = process.getuid?.() === 0;
const SOMEBODY_ELSE = 65_534;
/** Root may write everywhere by its capabilities, not by its number. */
const WITHOUT_PRIVILEGES = IS_ROOT ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];

/** Collects on SIGUSR2, so that what V8 has not yet got round to collecting is not taken for a leak. */
const COLLECT = 'data:text/javascript,process.on("SIGUSR2",()=>{gc();gc()})';
const COLLECTABLE = [process.execPath, '--max-semi-space-size=1', '--expose-gc', `--import=${COLLECT}`];

t.setTimeout(600_000);

/** What a reader may find at a moment, besides a matching pair that is valid. */
interface Excuse {
  /** No certificate, as there was none when it expired; or no directory at all. */
  absent: boolean;
  /** A certificate that has expired, as nobody can write to the directory. */
  expired: boolean;
}

/** Reads again and again until the signal is aborted. @returns what was found that must not be, each in words. */
async function readForever(identity: string, excuse: Excuse, signal: AbortSignal) {
  const seen = { reads: 0, absences: 0, serialNumbers: new Set<string>(), broken: [] as string[] };
  while (!signal.aborted) {
    await wait(20);
    seen.reads += 1;
    const { absent, expired } = excuse;
    try {
      const found = readPair(identity);
      if (found === undefined) {
        seen.absences += 1;
        if (!absent && !excuse.absent) seen.broken.push(`${new Date().toISOString()}: no certificate`);
        continue;
      }
      seen.serialNumbers.add(found.serialNumber);
      const lateMs = Date.now() - Date.parse(found.validTo);
      if (lateMs > WITHDRAWN_WITHIN_MS && !expired && !excuse.expired) {
        seen.broken.push(`${new Date().toISOString()}: ${found.serialNumber} has expired ${lateMs} ms ago`);
      }
    } catch (thrown) {
      seen.broken.push(`${new Date().toISOString()}: ${thrown}`);
    }
  }
  return seen;
}

/** Undefined: there is none, or no directory. Throws when key and certificate do not fit, or one lies there alone. */
function readPair(identity: string): X509Certificate | undefined {
  let generation: string;
  try {
    generation = realpathSync(join(identity, '..data'));
  } catch {
    return undefined;
  }
  const names = readdirSync(generation);
  if (!names.includes('tls.key') && !names.includes('tls.crt') && !names.includes('credentialbundle.pem')) return;
  const certificate = new X509Certificate(readFileSync(join(generation, 'tls.crt')));
  const key = createPrivateKey(readFileSync(join(generation, 'tls.key')));
  if (!certificate.checkPrivateKey(key)) throw new Error(`${certificate.serialNumber} has another key`);
  if (certificate.subjectAltName !== 'URI:spiffe://default/web') throw new Error(`${certificate.subjectAltName}`);
  return certificate;
}

/** Anonymous memory in KiB and open file descriptors, as Linux counts them. */
function readUse(pid: number): { anonymousKib: number; fileDescriptors: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return {
    anonymousKib: Number(/^Anonymous:\s+(\d+) kB$/m.exec(rollup)?.[1]),
    fileDescriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Of some moments, each after a collection, the one with the least memory. */
async function readLeastUse(agent: RunningAgent) {
  const uses = [];
  for (let moment = 0; moment < 8; moment += 1) {
    await agent.metrics();
    agent.kill('SIGUSR2');
    await wait(250);
    uses.push(readUse(agent.pid));
  }
  return {
    anonymousKib: Math.min(...uses.map(({ anonymousKib }) => anonymousKib)),
    fileDescriptors: Math.min(...uses.map(({ fileDescriptors }) => fileDescriptors)),
  };
}

t.test('two minutes in which one thing after the other fails', async (t) => {
  const { cluster } = await sharedPeers(t);
  const directory = temporaryDirectory(t);
  const vaultDirectory = join(directory, 'vault');
  let vault = await startVaultTls({ directory: vaultDirectory });
  t.teardown(async () => {
    vault.process.kill('SIGKILL');
    await vault.process.exited;
  });
  const mount = uniqueName('kubernetes');
  await configureKubernetesAuth(vault, cluster, mount);
  const role = { key_type: 'ec', key_bits: '256' };
  const { policy } = await configureKongVaultPki(vault, { mesh: 'default', role });
  const workload = await createWorkload({ vault, cluster }, { directory, policies: [policy], mount });
  const createRole = () => createKubernetesRole(vault, { ...workload, policies: [policy], mount });

  const parent = join(directory, 'volume');
  const identity = join(parent, 'identity');
  const auth = renderKubernetesAuth({ ...workload, mountPath: `/v1/auth/${mount}` });
  const agent = await startAgent({
    directory: join(directory, 'agent'),
    identity,
    mesh: renderVaultMesh({
      address: vault.address,
      caFile: vault.caFile,
      expiration: LIFE,
      requestTimeout: '2s',
      auth,
    }),
    startedBy: [...WITHOUT_PRIVILEGES, ...COLLECTABLE],
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();

  const excuse: Excuse = { absent: false, expired: false };
  const reading = new AbortController();
  const readings = readForever(identity, excuse, reading.signal);

  const regenerations = async () => (await agent.status()).regenerations;
  const waitForLog = (what: string, pattern: RegExp, from: number) =>
    eventually(
      what,
      () =>
        agent
          .log()
          .slice(from)
          .some(({ event }) => pattern.test(event)),
      {
        timeoutMs: ROTATION_TIMEOUT_MS,
      },
    );
  const aside = `${identity}.aside`;
  /** The directory as it was; owned by whom the agent is. */
  const setWritable = (writable: boolean) => {
    if (IS_ROOT) chownSync(identity, writable ? 0 : SOMEBODY_ELSE, writable ? 0 : SOMEBODY_ELSE);
    else chmodSync(identity, writable ? 0o755 : 0o555);
  };

  interface Fault {
    readonly what: string;
    readonly excuse?: Partial<Excuse>;
    readonly begin: () => unknown;
    /** What the agent's log says when it has noticed. */
    readonly noticed: RegExp;
    readonly end: () => unknown;
  }
  const faults: readonly Fault[] = [
    {
      what: 'Vault is sealed',
      begin: () => vault.seal(),
      noticed: /^Vault at .* answered 503/,
      end: () => vault.unseal(),
    },
    {
      what: 'nobody may log in, as the role is gone',
      // With its tokens: one that is kept for the next certificate would outlive the role.
      begin: async () => {
        await vault.cli(['delete', `auth/${mount}/role/${workload.role}`]);
        await vault.cli(['token', 'revoke', '-mode=path', `auth/${mount}`]);
      },
      noticed: /refuses the login: there is no role/,
      end: createRole,
    },
    {
      what: 'the directory cannot be written',
      excuse: { expired: true },
      begin: () => setWritable(false),
      noticed: /^cannot write the certificate to .*permission denied/,
      end: () => setWritable(true),
    },
    {
      what: 'Vault is killed, and started again',
      begin: async () => {
        vault.process.kill('SIGKILL');
        await vault.process.exited;
      },
      noticed: /^cannot reach Vault at .*connection refused/,
      end: async () => {
        vault = await startVaultTls({ directory: vaultDirectory }, vault);
      },
    },
    {
      what: 'a file stands where the directory was',
      excuse: { absent: true, expired: true },
      begin: async () => {
        renameSync(identity, aside);
        await writeFile(identity, '');
      },
      noticed: /^will not write the certificate to .* is not a directory$/,
      end: () => {
        rmSync(identity);
        renameSync(aside, identity);
      },
    },
    {
      what: 'Vault hangs for longer than the certificate lives',
      excuse: { absent: true },
      begin: () => vault.process.kill('SIGSTOP'),
      noticed: /^certificate withdrawn$/,
      end: () => vault.process.kill('SIGCONT'),
    },
  ];

  await eventually('three rotations', async () => (await regenerations()) > 3, { timeoutMs: 60_000, everyMs: 200 });
  const before = await readLeastUse(agent);
  const startedMs = performance.now();
  const countBefore = await regenerations();
  let injected = 0;
  while (injected < faults.length || performance.now() - startedMs < SOAK_MS) {
    const fault = faults[injected % faults.length];
    if (fault === undefined) break;
    injected += 1;
    const [count, from] = [await regenerations(), agent.log().length];
    Object.assign(excuse, fault.excuse);
    await fault.begin();
    await waitForLog(`${fault.what}, and the agent says so`, fault.noticed, from);
    t.equal((await agent.probe('/healthz')).status, 200, `${fault.what}: alive`);
    const mendedMs = performance.now();
    await fault.end();
    const isWell = async () => {
      const { ready, regenerations, deliveries } = await agent.status();
      return ready && regenerations > count && deliveries.every(({ failing }) => failing === undefined);
    };
    await eventually(`${fault.what} no more, and it goes on`, isWell, { timeoutMs: RECOVERY_TIMEOUT_MS, everyMs: 200 });
    t.pass(`${fault.what}: well again after ${((performance.now() - mendedMs) / 1000).toFixed(1)} s`);
    Object.assign(excuse, { absent: false, expired: false });
    const again = await regenerations();
    // And one in peace.
    await eventually('it rotates', async () => (await regenerations()) > again, {
      timeoutMs: ROTATION_TIMEOUT_MS,
      everyMs: 200,
    });
  }
  const rotated = (await regenerations()) - countBefore;
  t.ok(rotated >= 2 * injected, `${rotated} rotations beside ${injected} faults`);

  const after = await readLeastUse(agent);
  reading.abort();
  const { reads, absences, serialNumbers, broken } = await readings;
  t.same(broken.slice(0, 5), [], 'readers never found anything but a matching pair that is valid, or none');
  t.ok(serialNumbers.size > injected, `${serialNumbers.size} certificates were seen in ${reads} reads`);
  t.ok(absences > 0, `${absences} reads found that the expired one had been taken back`);

  const { pid } = (await agent.status()).agent;
  t.equal(pid, agent.pid, 'the same process');
  const more = after.anonymousKib - before.anonymousKib;
  t.ok(more < MORE_MEMORY_KIB, `${before.anonymousKib} KiB of anonymous memory became ${after.anonymousKib}`);
  const moreFiles = after.fileDescriptors - before.fileDescriptors;
  t.ok(moreFiles <= MORE_FILE_DESCRIPTORS, `${before.fileDescriptors} descriptors became ${after.fileDescriptors}`);
  expectLinesOnly(t, agent);
  t.notOk(agent.output().includes(workload.jwt), 'the token is in no log');
  t.match(await agent.stop(), { code: 0 });
  t.notOk(existsSync(agent.socket));
});
