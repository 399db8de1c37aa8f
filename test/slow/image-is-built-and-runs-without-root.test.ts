import {
  chownSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { readNodeFlags } from '../../scripts/read-node-flags.mjs';
import { builtProgram } from '../helpers/agent.ts';
import { askSocket } from '../helpers/ask-socket.ts';
import { openBuildah } from '../helpers/buildah.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { makeNodeBaseImage } from '../helpers/node-base-image.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { startProcess } from '../helpers/process.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const NONROOT = 65532;
const { version, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

t.setTimeout(180_000);

interface ImageConfig {
  readonly User: string;
  readonly WorkingDir: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

// `--target prebuilt` takes what is in dist; the stage that installs and builds does what fresh-clone-starts tests.
const directory = temporaryDirectory(t);
const buildah = await openBuildah(directory);
const base = await makeNodeBaseImage(buildah, directory);
const own = { PATH: process.env.PATH, HOME: process.env.HOME };
await runCommand(process.execPath, [join(ROOT, 'scripts/build-image-root.mjs')], { env: own });
const build = [
  '--target',
  'prebuilt',
  '--format',
  'docker',
  '--build-arg',
  `BASE=${base}`,
  '--build-arg',
  'REVISION=abc',
];
await buildah('bud', '--quiet', '--pull-never', ...build, '--tag', 'localhost/meshcert', ROOT);

const described = JSON.parse(await buildah('inspect', '--type', 'image', 'localhost/meshcert')) as {
  Docker: { config: ImageConfig };
};
const { config } = described.Docker;
const container = (await buildah('from', '--pull-never', 'localhost/meshcert')).trim();
const root = (await buildah('mount', container)).trim();
t.teardown(() => buildah('umount', container));

/** As a runtime starts a container: the root read-only, volumes over it, the image's user, folder and environment. */
function startedInImage(volumes: Readonly<Record<string, string>> = {}): string[] {
  for (const path of Object.keys(volumes)) mkdirSync(join(root, path), { recursive: true });
  const mounts = Object.entries({ '/proc': '/proc', ...volumes }).map(
    ([to, from]) => `mount --bind ${from} ${root}${to}`,
  );
  const steps = [`mount --bind ${root} ${root}`, `mount -o remount,bind,ro ${root}`, ...mounts, 'exec "$@"'];
  const user = [`--setuid=${config.User.split(':')[0]}`, `--setgid=${config.User.split(':')[1]}`];
  const inside = ['/usr/bin/unshare', '--mount', `--root=${root}`, `--wd=${config.WorkingDir}`, ...user];
  return ['unshare', '--mount', 'sh', '-ec', steps.join(' && '), 'sh', 'env', '-i', ...config.Env, ...inside];
}

async function runInImage(command: readonly string[], volumes?: Readonly<Record<string, string>>): Promise<string> {
  const [program = '', ...args] = [...startedInImage(volumes), ...command];
  return runCommand(program, args, { env: own });
}

function listFiles(folder: string): string[] {
  return globSync('**', { cwd: folder, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .sort();
}

t.test('what it is', async (t) => {
  t.match(config.User, /^\d+:\d+$/, 'a number: runAsNonRoot cannot look names up');
  t.same(config.Entrypoint, ['node', ...readNodeFlags(builtProgram()), '/usr/lib/meshcert/main.js']);
  t.equal(config.Labels['org.opencontainers.image.version'], version);
  t.equal(config.Labels['org.opencontainers.image.revision'], 'abc');
  t.equal(config.Labels['org.opencontainers.image.licenses'], 'Apache-2.0');
  t.match(config.Healthcheck?.Test, ['CMD', 'meshcert', 'healthcheck'], 'without a shell');
});

t.test('what is in it', async (t) => {
  const added = listFiles(root).filter((path) => !existsSync(join(directory, 'base', path)));
  t.same(
    added.filter(
      (path) =>
        !/^\/usr\/(lib\/meshcert\/[^/]+\.(js|cache|json)|bin\/meshcert|share\/doc\/meshcert\/[^/]+)$/.test(path),
    ),
    [],
    'the program and its papers',
  );
  const programs = listFiles(root).filter((path) => /\/s?bin\//.test(path));
  t.same(programs, ['/nodejs/bin/node', '/usr/bin/meshcert'], 'no shell, no npm');
  const sbom = JSON.parse(readFileSync(join(root, config.Labels['io.meshcert.sbom'] ?? ''), 'utf8')) as {
    metadata: { component: { purl: string } };
    components: { name: string }[];
  };
  t.equal(sbom.metadata.component.purl, `pkg:npm/meshcert@${version}`);
  const listed = new Set(sbom.components.map(({ name }) => name));
  t.same(
    Object.keys(dependencies).filter((name) => !listed.has(name)),
    [],
    'every package stands in the list',
  );
  t.notOk(['tap', 'esbuild'].some((name) => listed.has(name)));
  const bytes = (paths: readonly string[]) => paths.reduce((sum, path) => sum + lstatSync(join(root, path)).size, 0);
  const mebibytes = (size: number) => `${(size / 2 ** 20).toFixed(1)} MiB`;
  t.comment(
    `adds ${mebibytes(bytes(added))} to its base; the base of this test is ${mebibytes(bytes(listFiles(join(directory, 'base'))))}`,
  );
});

t.test('it runs by its entry point, and by its name', async (t) => {
  t.equal(await runInImage([...config.Entrypoint, '--version']), `${version}\n`);
  t.equal(await runInImage(['meshcert', '--version']), `${version}\n`);
});

t.test('without a place to write to, it says so', async (t) => {
  await t.rejects(runInImage([...config.Entrypoint, 'run', '--once']), {
    message: /make it a directory that this process may write/,
  });
});

t.test('the agent serves, is probed and ends, as a user without rights on a root that is read-only', async (t) => {
  const volumes = { '/etc/meshcert': join(directory, 'config'), '/run/meshcert': join(directory, 'volume') };
  for (const folder of Object.values(volumes)) mkdirSync(folder);
  chownSync(volumes['/run/meshcert'], NONROOT, NONROOT);
  const agentDocument = `type: Agent
mesh: default
service: web
deliver: {files: [{directory: /run/meshcert/identity}], sds: {socket: /run/meshcert/sds.sock}}
telemetry: {address: "127.0.0.1:0"}
admin: {socket: /run/meshcert/admin.sock}
`;
  writeFileSync(join(volumes['/etc/meshcert'], 'meshcert.yaml'), `${renderBuiltinMesh('1h')}\n---\n${agentDocument}`);
  const probe = config.Healthcheck?.Test.slice(1) ?? [];
  await t.rejects(
    runInImage(probe, volumes),
    { message: /is it running|no agent|cannot/i },
    'not healthy without an agent',
  );

  const [command = '', ...args] = [...startedInImage(volumes), ...config.Entrypoint, ...config.Cmd];
  const agent = await startProcess({ name: 'agent', command, args, directory });
  t.teardown(() => agent.stop());
  await eventually('the probe says ready', async () => (await runInImage(probe, volumes)) === 'ready\n');
  await checkPairWithOpenssl(join(volumes['/run/meshcert'], 'identity'));
  const socket = join(volumes['/run/meshcert'], 'admin.sock');
  t.match(JSON.parse((await askSocket(socket, 'GET', '/status')).text), {
    ready: true,
    spiffeId: 'spiffe://default/web',
  });
  const owners = new Set(
    readdirSync(volumes['/run/meshcert']).map((name) => lstatSync(join(volumes['/run/meshcert'], name)).uid),
  );
  t.same([...owners], [NONROOT]);

  t.same(await agent.stop(), { code: 0, signal: null });
});
