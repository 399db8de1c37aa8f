import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { debianProgram } from '../helpers/debian-packages.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const own = { PATH: [process.env.PATH, '/usr/sbin', '/sbin'].join(':'), HOME: process.env.HOME };

t.setTimeout(300_000);

const directory = temporaryDirectory(t);
const lintian = await debianProgram('lintian');
await runCommand(process.execPath, [join(ROOT, 'scripts/build-sea.mjs')], { env: own });
// The least compression: that of a release takes a minute.
await runCommand(process.execPath, [join(ROOT, 'scripts/build-deb.mjs')], {
  env: { ...own, DPKG_DEB_COMPRESSOR_LEVEL: '0' },
});
const [deb = ''] = globSync(join(ROOT, `build/meshcert_${version}-1_*.deb`));
t.comment(`${(statSync(deb).size / 2 ** 20).toFixed(1)} MiB, at the least compression`);

/**
 * Runs a script as root on this machine's system with a layer over it that takes all changes, so that the package is installed for
 * real, and nothing of it stays. A `systemctl` before the real one writes down what it is called with.
 */
async function runOnACopyOfTheSystem(script: string): Promise<string> {
  const layer = join(directory, 'layer');
  mkdirSync(layer);
  writeFileSync(join(directory, 'script'), `set -e\n${script}`);
  const systemctl = join(directory, 'systemctl');
  writeFileSync(systemctl, '#!/bin/sh\necho "$@" >> /run/systemctl-calls\n');
  chmodSync(systemctl, 0o755);
  chmodSync(directory, 0o755);
  const steps = [
    `mount -t tmpfs tmpfs ${layer}`,
    `mkdir ${layer}/upper ${layer}/work ${layer}/root`,
    `mount -t overlay overlay -o lowerdir=/,upperdir=${layer}/upper,workdir=${layer}/work ${layer}/root`,
    `mount --bind /proc ${layer}/root/proc`,
    `mount --rbind /dev ${layer}/root/dev`,
    `mount -t tmpfs tmpfs ${layer}/root/run`,
    `mkdir -p ${layer}/root/run/systemd/system ${layer}/root/usr/local/bin`,
    `cp ${systemctl} ${layer}/root/usr/local/bin/`,
    `exec chroot ${layer}/root sh ${directory}/script`,
  ];
  const environment = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C' };
  return runCommand('unshare', ['--mount', 'sh', '-ec', steps.join('\n')], { env: environment });
}

t.test('it is as Debian wants packages to be', async (t) => {
  const files = await runCommand('dpkg-deb', ['--contents', deb], { env: own });
  const listed = files
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/\s+/));
  t.same([...new Set(listed.map(([, owner]) => owner))], ['root/root']);
  t.same(
    listed.filter(([mode = '']) => /^-.{4}w|^-.{7}w|s/.test(mode)),
    [],
    'nobody else may write, nothing runs as somebody else',
  );
  t.equal(listed.find(([, , , , , path]) => path === './usr/bin/meshcert')?.[0], '-rwxr-xr-x');
  const asUser = process.getuid?.() === 0 ? ['--allow-root'] : [];
  t.equal(await runCommand(lintian, [...asUser, '--fail-on', 'error,warning', deb], { env: own }), '');
});

t.test('it is installed, upgraded, removed and purged', async (t) => {
  const output = await runOnACopyOfTheSystem(`
section() { echo "== $1"; }
install_package() { dpkg --install ${deb} > /run/dpkg.log 2>&1 || { cat /run/dpkg.log; exit 1; }; }
calls() { cat /run/systemctl-calls; : > /run/systemctl-calls; }

install_package
section calls; calls
section user; getent passwd meshcert | cut -d: -f1,6,7; id -gn meshcert
section conffiles; dpkg-query --show --showformat '\${Conffiles}' meshcert | cut -d' ' -f2
section changed; dpkg --verify meshcert
section version; meshcert --version

section agent
for file in /etc/meshcert/meshcert.yaml /usr/share/doc/meshcert/examples/*; do meshcert validate -c $file > /run/valid; done
install -d -o meshcert -g meshcert /run/meshcert /var/lib/meshcert
cd /var/lib/meshcert
setpriv --reuid=meshcert --regid=meshcert --clear-groups env -i /usr/bin/meshcert run -c /etc/meshcert/meshcert.yaml --once 2> /run/log
stat -L --format '%a %U %G' /run/meshcert/identity/tls.crt /run/meshcert/identity/tls.key /run/meshcert/identity

echo '# mine' >> /etc/meshcert/meshcert.yaml
install_package
section upgrade; calls; tail -1 /etc/meshcert/meshcert.yaml; getent passwd meshcert | wc -l

cd /
dpkg --remove meshcert > /dev/null
section removed; calls; ls /usr/bin/meshcert 2> /dev/null || echo gone; tail -1 /etc/meshcert/meshcert.yaml; ls -d /var/lib/meshcert/.meshcert

dpkg --purge meshcert > /dev/null
section purged; ls -d /etc/meshcert /var/lib/meshcert /run/meshcert 2> /dev/null || echo gone; id -un meshcert

install_package
section again; meshcert --version
`);
  const sections = new Map(
    output
      .split('== ')
      .slice(1)
      .map((text) => text.trimEnd().split('\n'))
      .map(([name = '', ...lines]) => [name, lines]),
  );
  t.same(Object.fromEntries(sections), {
    calls: ['daemon-reload', '--no-block try-restart meshcert.service'],
    user: ['meshcert:/var/lib/meshcert:/usr/sbin/nologin', 'meshcert'],
    conffiles: ['/etc/meshcert/meshcert.yaml'],
    changed: [],
    version: [version],
    agent: ['644 meshcert meshcert', '640 meshcert meshcert', '755 meshcert meshcert'],
    upgrade: ['daemon-reload', '--no-block try-restart meshcert.service', '# mine', '1'],
    removed: ['disable --now meshcert.service', 'daemon-reload', 'gone', '# mine', '/var/lib/meshcert/.meshcert'],
    purged: ['gone', 'meshcert'],
    again: [version],
  });
});

t.test('nothing of it is on this machine', async (t) => {
  t.notOk(existsSync('/usr/lib/systemd/system/meshcert.service'));
});
