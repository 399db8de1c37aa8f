import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import t from 'tap';
import { builtProgram, startAgent } from '../helpers/agent.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const RUNS = 5;
const dist = dirname(builtProgram());
const executable = join(ROOT, 'build/meshcert');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const own = { PATH: process.env.PATH, HOME: process.env.HOME };

t.setTimeout(180_000);

await runCommand(process.execPath, [join(ROOT, 'scripts/build-sea.mjs')], { env: own });
t.comment(`${(statSync(executable).size / 2 ** 20).toFixed(1)} MiB`);

/** Nothing is found by its name, so neither is a Node. */
const directory = temporaryDirectory(t);
const env = { PATH: directory, HOME: directory };
const run = (...args: string[]) => runCommand(executable, args, { env, cwd: directory });

t.test('all of the program is in it', async (t) => {
  const content = readFileSync(executable, 'latin1');
  const chunks = globSync(join(dist, '*.js')).filter((path) => basename(path) !== 'main.js');
  t.ok(chunks.length > 10);
  t.same(
    chunks.filter((path) => !content.includes(readFileSync(path, 'latin1'))),
    [],
  );
});

t.test('arguments are those of the program, and none is taken by Node', async (t) => {
  t.equal(await run('--version'), `${version}\n`);
  t.match(await run('--help'), /^Usage: meshcert /);
  await t.rejects(run('--v8-options'), { message: /unknown option '--v8-options'/ });
  const inherited = { ...env, NODE_OPTIONS: '--require=/nowhere.js' };
  t.equal(await runCommand(executable, ['--version'], { env: inherited }), `${version}\n`, 'nor from the environment');
});

t.test('the agent serves by files and by gRPC, answers, and ends', async (t) => {
  process.env.MESHCERT_TEST_PROGRAM = executable;
  const agent = await startAgent({
    directory,
    mesh: renderBuiltinMesh('1h'),
    deliver: `{files: [{directory: ${directory}/identity}], sds: {socket: ${directory}/g.sock}, workloadApi: {socket: ${directory}/g.sock}}`,
    env: { PATH: directory },
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  t.equal(await run('healthcheck', '--socket', agent.socket), 'ready\n');
  t.match(JSON.parse(await run('inspect', '-o', 'json', '--socket', agent.socket)), {
    spiffeId: 'spiffe://default/web',
  });
  await run('rotate', '--socket', agent.socket);
  await checkPairWithOpenssl(agent.identity);
  t.equal((await agent.metrics()).get('meshcert_rotations_total{backend="ca-1",reason="requested"}'), 1);
  t.ok(existsSync(join(directory, 'g.sock')));
  t.match(await run('envoy', '-c', agent.configFile), 'static_resources');
  t.same(await agent.stop(), { code: 0, signal: null });
});

async function measureStartMs(command: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const all: number[] = [];
  for (let number = 0; number < RUNS; number += 1) {
    const startMs = performance.now();
    await runCommand(command, ['--version'], { env: environment });
    all.push(performance.now() - startMs);
  }
  return `${all.sort((a, b) => a - b)[Math.floor(RUNS / 2)]?.toFixed(0)} ms`;
}

const [alone, withNode] = [await measureStartMs(executable, env), await measureStartMs(join(dist, 'main.js'), own)];
t.comment(`--version takes ${alone}, by dist and Node ${withNode} (median of ${RUNS})`);
