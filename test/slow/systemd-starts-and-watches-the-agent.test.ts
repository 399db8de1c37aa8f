import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { builtProgram, type RunningAgent, startAgent } from '../helpers/agent.ts';
import { debianProgram } from '../helpers/debian-packages.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderBuiltinMesh, renderProvidedMesh } from '../helpers/kong-mesh.ts';
import { openNotifySocket } from '../helpers/notify-socket.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

t.setTimeout(180_000);

const UNIT = resolve(import.meta.dirname, '../../packaging/systemd/meshcert.service');
const CONFINE = resolve(import.meta.dirname, '../helpers/confine.py');
const [analyze, notify] = [
  await debianProgram('systemd-analyze', 'systemd'),
  await debianProgram('systemd-notify', 'systemd'),
];
const env = { PATH: process.env.PATH, HOME: process.env.HOME };
const PATH = [process.env.PATH, dirname(process.execPath), dirname(notify)].join(delimiter);

async function listen(t: Test, directory: string) {
  const systemd = await openNotifySocket(directory);
  t.teardown(() => systemd.stop());
  const has = (pattern: RegExp | string) => (one: readonly string[]) =>
    one.some((assignment) => (typeof pattern === 'string' ? assignment === pattern : pattern.test(assignment)));
  return {
    ...systemd,
    hears: (pattern: RegExp | string) =>
      eventually(`systemd hears ${pattern}`, () => systemd.messages().find(has(pattern)), { timeoutMs: 20_000 }),
    count: (assignment: string) => systemd.messages().filter(has(assignment)).length,
  };
}

async function start(t: Test, options: Parameters<typeof startAgent>[0]): Promise<RunningAgent> {
  const agent = await startAgent(options);
  t.teardown(() => agent.stop());
  return agent;
}

t.test('systemd hears of a start that waits for its CA, of the watchdog, of a reload and of the end', async (t) => {
  const directory = temporaryDirectory(t);
  const systemd = await listen(t, directory);
  const [cert, key] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  const agent = await start(t, {
    directory,
    mesh: renderProvidedMesh(cert, key),
    env: { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '1000000', PATH },
  });
  const [status] = await systemd.hears(/^STATUS=not ready; certificate: none yet: /);
  t.match(status, 'ca.crt', 'what it waits for');
  await systemd.hears('WATCHDOG=1');
  t.equal(systemd.count('READY=1'), 0, 'alive, and not ready');

  const root = await TestCa.makeRoot('root', inForce());
  writeFileSync(key, root.keyPem);
  writeFileSync(cert, root.certificatePem);
  const ready = await systemd.hears('READY=1');
  t.match(ready[1], /^STATUS=spiffe:\/\/default\/web, generation 1, to be replaced at \S+, valid until \S+$/);
  t.ok(existsSync(join(agent.identity, 'tls.crt')), 'who starts after it finds the certificate');
  const before = systemd.count('WATCHDOG=1');
  await eventually('systemd hears again and again that it lives', () => systemd.count('WATCHDOG=1') > before + 2);

  agent.hup();
  await systemd.hears('RELOADING=1');
  await eventually('the reload is done', () => systemd.count('READY=1') === 2);
  await systemd.hears(/generation 2/);
  t.same(await agent.stop(), { code: 0, signal: null });
  t.same(systemd.messages().at(-1), ['STOPPING=1', 'STATUS=stopping']);
});

t.test('without systemd-notify the agent says so once, and works', async (t) => {
  const directory = temporaryDirectory(t);
  const agent = await start(t, {
    directory,
    mesh: renderBuiltinMesh('1h'),
    startedBy: [process.execPath],
    env: { NOTIFY_SOCKET: join(directory, 'notify.sock'), WATCHDOG_USEC: '500000', PATH: '/nonexistent' },
  });
  await agent.waitReady();
  const warned = () => agent.log().filter(({ level }) => level === 'warn');
  await eventually('it is warned of', () => warned().length > 0);
  t.equal((await agent.rotate()).status, 200);
  t.equal(warned().length, 1);
  t.match(warned()[0]?.event, /^systemd was not told how the agent is: systemd-notify cannot be started \(ENOENT\); /);
});

t.test('the unit is one that systemd takes, and exposes little', async (t) => {
  const directory = temporaryDirectory(t);
  const unit = join(directory, 'meshcert.service');
  // The program is not installed here.
  writeFileSync(unit, readFileSync(UNIT, 'utf8').replaceAll('/usr/bin/meshcert', builtProgram()));
  // It only prints what it does not understand, and goes on.
  const verify = `${analyze} verify --man=no --recursive-errors=no ${unit} 2>&1`;
  t.equal(await runCommand('sh', ['-c', verify], { env }), '');
  const report = await runCommand(analyze, ['security', '--offline=true', '--threshold=20', unit], { env });
  t.comment(report.trimEnd().split('\n').at(-1));
});

t.test('the agent works within what the unit allows it', async (t) => {
  const [user, group] = [65534, 65533];
  const directory = temporaryDirectory(t);
  const systemd = await listen(t, directory);
  const work = join(directory, 'work');
  const confinement = join(directory, 'confinement.json');
  mkdirSync(work);
  for (const path of [work, systemd.path]) chownSync(path, user, user);
  chmodSync(directory, 0o755);
  writeFileSync(confinement, JSON.stringify({ user, group, ...(await readRestrictions(readFileSync(UNIT, 'utf8'))) }));
  // ProtectSystem=strict, ProcSubset=pid, ProtectProc=invisible; then user, capabilities and system calls by confine.py.
  const mounts = [
    `mount --bind ${directory} ${directory}`,
    'mount -o remount,bind,ro /',
    'mount -t proc -o subset=pid,hidepid=invisible proc /proc',
    'exec "$@"',
  ];
  const credentials = join(directory, 'credentials');
  const root = await TestCa.makeRoot('root', inForce());
  for (const [name, pem] of [
    ['ca-cert', root.certificatePem],
    ['ca-key', root.keyPem],
  ] as const) {
    mkdirSync(credentials, { recursive: true });
    writeFileSync(join(credentials, name), pem, { mode: 0o400 });
    chownSync(join(credentials, name), user, user);
  }
  const agent = await start(t, {
    directory: work,
    mesh: renderProvidedMesh('', '').replace(
      /conf: .*(?=\})/,
      'conf: {cert: {secret: ca-cert}, key: {secret: ca-key}}',
    ),
    options: ['--secrets-dir', credentials],
    deliver: `{files: [{directory: ${work}/identity, keyMode: "0640", group: ${group}}], sds: {socket: ${work}/sds.sock, group: ${group}}, hooks: [{exec: [touch, ${work}/hook]}]}`,
    startedBy: ['unshare', '--mount', 'sh', '-ec', mounts.join(' && '), 'sh', 'python3', CONFINE, confinement],
    env: { NOTIFY_SOCKET: systemd.path, PATH },
  });
  await agent.waitReady();
  await systemd.hears('READY=1');
  await checkPairWithOpenssl(agent.identity);
  t.match(statSync(join(agent.identity, 'tls.key')), { uid: user, gid: group, mode: 0o100640 });
  await eventually('the hook ran', () => existsSync(join(work, 'hook')));
  t.ok(existsSync(join(work, 'sds.sock')));
  t.equal((await agent.rotate()).status, 200);
  t.match((await agent.metrics()).get('meshcert_rotations_total{backend="ca-1",reason="requested"}'), 1);
  t.same(
    agent.log().filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  );
  t.match(readFileSync(`/proc/${agent.pid}/status`, 'utf8'), /^Seccomp:\t2$/m, 'it is confined');
  t.same(await agent.stop(), { code: 0, signal: null });
});

/** As systemd reads them: without some calls no program starts; each line adds to the list, or with ~ takes away. */
async function readRestrictions(unit: string): Promise<{ systemCalls: string[]; addressFamilies: string[] }> {
  const valuesOf = (key: string) =>
    Array.from(unit.matchAll(new RegExp(`^${key}=(.+)$`, 'gm')), ([, value = '']) => value);
  const systemCalls = new Set(await expand('@default'));
  for (const value of valuesOf('SystemCallFilter')) {
    for (const name of value.replace(/^~/, '').split(' ')) {
      for (const call of await expand(name)) {
        if (value.startsWith('~')) systemCalls.delete(call);
        else systemCalls.add(call);
      }
    }
  }
  return { systemCalls: [...systemCalls], addressFamilies: valuesOf('RestrictAddressFamilies')[0]?.split(' ') ?? [] };
}

async function expand(name: string): Promise<string[]> {
  if (!name.startsWith('@')) return [name];
  const text = await runCommand(analyze, ['syscall-filter', '--no-pager', name], { env });
  const members = Array.from(text.matchAll(/^ {4}([@\w-]+)$/gm), ([, member = '']) => member);
  return (await Promise.all(members.map(expand))).flat();
}
