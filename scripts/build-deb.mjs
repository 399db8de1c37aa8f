/**
 * `npm run build:deb`: build/meshcert_VERSION_ARCHITECTURE.deb, the single executable with its unit, its configuration and its
 * papers. Needs build/meshcert and dpkg-deb. SOURCE_DATE_EPOCH dates it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { writeNotices } from './write-notices.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const debian = join(root, 'packaging/debian');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const values = {
  VERSION: `${version}-1`,
  ARCHITECTURE: execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim(),
};
const madeAt = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000) * 1000);

const tree = mkdtempSync(join(tmpdir(), 'meshcert-deb-'));
try {
  chmodSync(tree, 0o755);
  install(join(root, 'build/meshcert'), 'usr/bin/meshcert', 0o755);
  install(join(root, 'packaging/systemd/meshcert.service'), 'usr/lib/systemd/system/meshcert.service');
  install(join(debian, 'meshcert.yaml'), 'etc/meshcert/meshcert.yaml');
  install(join(debian, 'lintian-overrides'), 'usr/share/lintian/overrides/meshcert');
  write('usr/share/man/man1/meshcert.1.gz', compress(fill('meshcert.1')));
  writePapers('usr/share/doc/meshcert');
  write('DEBIAN/conffiles', '/etc/meshcert/meshcert.yaml\n');
  write('DEBIAN/control', fill('control', { INSTALLED_KIB: measureKib() }));
  for (const script of ['postinst', 'prerm', 'postrm']) install(join(debian, script), `DEBIAN/${script}`, 0o755);
  const output = join(root, `build/meshcert_${values.VERSION}_${values.ARCHITECTURE}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, output], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.stdout.write(`${output}: ${(statSync(output).size / 2 ** 20).toFixed(1)} MiB\n`);
} finally {
  rmSync(tree, { recursive: true, force: true });
}

function writePapers(folder) {
  writeNotices(join(tree, folder));
  // Debian has the text of the licence already, and wants what is long compressed.
  rmSync(join(tree, folder, 'LICENSE'));
  for (const name of ['third-party-licences.txt', 'sbom.cdx.json']) {
    const path = join(tree, folder, name);
    write(`${folder}/${name}.gz`, compress(readFileSync(path)));
    rmSync(path);
  }
  install(join(debian, 'copyright'), `${folder}/copyright`);
  install(join(debian, 'vault.yaml'), `${folder}/examples/vault.yaml`);
  write(`${folder}/changelog.gz`, compress(readFileSync(join(root, 'CHANGELOG.md'))));
  const date = madeAt.toUTCString().replace('GMT', '+0000');
  const [, maintainer] = /^Maintainer: (.+)$/m.exec(fill('control')) ?? [];
  const entry = `meshcert (${values.VERSION}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- ${maintainer}  ${date}\n`;
  write(`${folder}/changelog.Debian.gz`, compress(entry));
}

function install(from, to, mode = 0o644) {
  write(to, readFileSync(from), mode);
}

function write(to, content, mode = 0o644) {
  const path = join(tree, to);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, content);
  // Whatever the umask.
  chmodSync(path, mode);
}

function fill(name, more = {}) {
  const all = { ...values, ...more };
  return readFileSync(join(debian, name), 'utf8').replaceAll(/@([A-Z_]+)@/g, (whole, key) => all[key] ?? whole);
}

function compress(content) {
  return gzipSync(content, { level: 9 });
}

function measureKib() {
  return execFileSync('du', ['-sk', tree], { encoding: 'utf8' }).split('\t', 1)[0];
}
