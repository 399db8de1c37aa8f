import { X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { pemToDer } from '../../src/identity/pem.ts';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const BACKENDS = {
  old: '{name: old, type: builtin, dpCert: {rotation: {expiration: 15s}}}',
  next: '{name: next, type: builtin, dpCert: {rotation: {expiration: 1h}}}',
};
type Backend = keyof typeof BACKENDS;
const renderMesh = (enabled: Backend, backends: readonly Backend[]) =>
  `type: Mesh\nname: default\nmtls:\n  enabledBackend: ${enabled}\n  backends: [${backends.map((one) => BACKENDS[one]).join(', ')}]\n`;

const BEFORE = renderMesh('old', ['old', 'next']);
const AFTER = renderMesh('next', ['next']);

async function start(t: Test, directory: string, mesh: string): Promise<RunningAgent> {
  const agent = await startAgent({ directory, mesh });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  return agent;
}

async function kill(agent: RunningAgent): Promise<void> {
  agent.kill('SIGKILL');
  await agent.exited;
}

/** The CAs that its readers find now. */
function readBundle({ identity }: RunningAgent): X509Certificate[] {
  return pemToDer('CERTIFICATE', readFileSync(join(identity, 'ca.crt'), 'utf8')).map((der) => new X509Certificate(der));
}

const readLeaf = ({ identity }: RunningAgent) => new X509Certificate(readFileSync(join(identity, 'tls.crt')));
const trusts = (agent: RunningAgent, leaf: X509Certificate) =>
  readBundle(agent).some((root) => leaf.verify(root.publicKey));

/** @returns a leaf of the old CA, of whom every agent is to trust. */
async function knowBoth(agent: RunningAgent): Promise<X509Certificate> {
  const kept = join(agent.identity, '..trust.json');
  await eventually('both CAs are kept', () => readFileSync(kept, 'utf8').split('"backend"').length === 3);
  return readLeaf(agent);
}

t.test(
  'one that is killed after its CA was changed knows the old one, until the last leaf under it is gone',
  async (t) => {
    const directory = temporaryDirectory(t);
    const first = await start(t, directory, BEFORE);
    const peer = await knowBoth(first);
    const text = readFileSync(first.configFile, 'utf8').replace(BEFORE.trim(), AFTER.trim());
    writeFileSync(`${first.configFile}.new`, text);
    renameSync(`${first.configFile}.new`, first.configFile);
    await eventually('the next CA has issued', async () => (await first.status()).certificate?.backend === 'next');
    await kill(first);

    const second = await start(t, directory, AFTER);
    t.ok(trusts(second, peer), 'peers that have not followed yet are not refused');
    await kill(second);

    const third = await start(t, directory, AFTER);
    t.ok(trusts(third, peer));
    await eventually('the old CA has left', () => !trusts(third, peer), { timeoutMs: 60_000 });
    t.ok(Date.now() >= peer.validToDate.getTime(), 'nobody can have a leaf under it any more');
    t.ok(trusts(third, readLeaf(third)));
    t.equal(readBundle(third).length, 1);
  },
);

t.test('one that learns of the change by its start knows the old one, too', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await start(t, directory, BEFORE);
  const peer = await knowBoth(first);
  await kill(first);
  const second = await start(t, directory, AFTER);
  t.ok(trusts(second, peer));
  t.ok(trusts(second, readLeaf(second)));
});

t.test('so does one that is run once, again and again', async (t) => {
  const directory = temporaryDirectory(t);
  const runOnce = async (mesh: string) => {
    const agent = await startAgent({ directory, mesh, options: ['--once'] });
    t.same(await agent.exited, { code: 0, signal: null });
    return agent;
  };
  const peer = readLeaf(await runOnce(renderMesh('old', ['old'])));
  t.ok(trusts(await runOnce(AFTER), peer));
});
