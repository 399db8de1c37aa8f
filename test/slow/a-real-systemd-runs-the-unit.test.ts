import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';
import { builtProgram } from '../helpers/agent.ts';
import { debianProgram } from '../helpers/debian-packages.ts';
import { eventually } from '../helpers/eventually.ts';
import { startProcess } from '../helpers/process.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

t.setTimeout(180_000);

const UNIT = resolve(import.meta.dirname, '../../packaging/systemd/meshcert.service');
await debianProgram('systemctl', 'systemd');
const directory = temporaryDirectory(t);
const environment = {
  PATH: [process.env.PATH, dirname(process.execPath)].join(':'),
  HOME: directory,
  XDG_RUNTIME_DIR: '/run/user/0',
};

/**
 * systemd as the manager of a user's services, which needs not be the first process of a machine, with a /run of its own that
 * says that the machine was booted by systemd.
 */
async function startSystemd() {
  const steps = [
    'mount -t tmpfs tmpfs /run',
    'mkdir -p /run/systemd/system',
    'mkdir -m 700 -p /run/user/0',
    'exec /usr/lib/systemd/systemd --user --log-target=console',
  ];
  const manager = await startProcess({
    name: 'systemd',
    command: 'unshare',
    args: ['--mount', 'sh', '-ec', steps.join('\n')],
    directory,
    env: environment,
  });
  const systemctl = (...args: string[]) =>
    runCommand('nsenter', ['--mount', `--target=${manager.pid}`, 'systemctl', '--user', ...args], { env: environment });
  await eventually('systemd answers', async () => (await systemctl('is-active', 'basic.target')) === 'active\n');
  const show = async (property: string) =>
    (await systemctl('show', '--value', `--property=${property}`, 'meshcert')).trim();
  return { ...manager, systemctl, show, path: (inside: string) => `/proc/${manager.pid}/root${inside}` };
}

/** Without what a user's services cannot have, other users and credentials, and what the unit forbids, which is another test's. */
function installUnit(configFile: string): void {
  const [text = ''] = readFileSync(UNIT, 'utf8').split('CapabilityBoundingSet=');
  const unit = text
    .replaceAll('/usr/bin/meshcert', builtProgram())
    .replaceAll('/etc/meshcert/meshcert.yaml', configFile)
    .replaceAll(/^(User|Group|After|Wants)=.*\n/gm, '')
    .replace(/^WatchdogSec=.*$/m, 'WatchdogSec=2s');
  const folder = join(directory, '.config/systemd/user');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'meshcert.service'), `${unit}Environment=PATH=${environment.PATH}\n`);
}

t.test('a start waits for the certificate, a reload for the next one; what hangs is restarted', async (t) => {
  const configFile = join(directory, 'meshcert.yaml');
  const [cert, key] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  const root = await TestCa.makeRoot('root', inForce());
  writeFileSync(key, root.keyPem, { mode: 0o600 });
  const mesh = `{enabledBackend: ca-1, backends: [{name: ca-1, type: provided, conf: {cert: {file: ${cert}}, key: {file: ${key}}}}]}`;
  writeFileSync(
    configFile,
    `type: Mesh
name: default
mtls: ${mesh}
---
type: Agent
service: web
deliver: {files: [{directory: /run/user/0/meshcert/identity}]}
telemetry: {address: "127.0.0.1:0"}
admin: {socket: /run/user/0/meshcert/admin.sock}
`,
  );
  installUnit(configFile);
  const systemd = await startSystemd();
  t.teardown(() => systemd.stop());
  const { systemctl, show } = systemd;

  const started = systemctl('start', 'meshcert').then(
    () => 'started',
    (error: Error) => error.message,
  );
  await eventually('it says what it waits for', async () => (await show('StatusText')).includes('ca.crt'));
  t.equal(await show('ActiveState'), 'activating');
  writeFileSync(cert, root.certificatePem);
  t.equal(await started, 'started');
  t.ok(existsSync(systemd.path('/run/user/0/meshcert/identity/tls.key')), 'the certificate is there');
  t.match(await show('StatusText'), /^spiffe:\/\/default\/web, generation 1, /);

  await systemctl('reload', 'meshcert');
  await eventually('the next one is in service', async () => /generation 2,/.test(await show('StatusText')));
  t.equal(await show('ActiveState'), 'active');
  t.equal(await show('NRestarts'), '0', 'the watchdog heard of it all the time');

  process.kill(Number(await show('MainPID')), 'SIGSTOP');
  await eventually('it is started again', async () => (await show('NRestarts')) === '1', { timeoutMs: 30_000 });
  await eventually('and ready', async () => (await show('ActiveState')) === 'active', { timeoutMs: 30_000 });

  await systemctl('stop', 'meshcert');
  t.equal(await show('Result'), 'success');
  t.ok(existsSync(systemd.path('/run/user/0/meshcert/identity/tls.key')), 'what it delivered stays');

  writeFileSync(configFile, 'type: Agent\nservices: web\n');
  await systemctl('start', 'meshcert').catch(() => undefined);
  t.equal(await show('ActiveState'), 'failed', 'a mistake is not tried again');
  t.equal(await show('ExecMainStatus'), '2');
});
