/**
 * What goes with the program wherever it is packed: our licence, those of the packages in it, and a list of them for scanners.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Writes `LICENSE`, `third-party-licences.txt` and `sbom.cdx.json` (CycloneDX 1.5).
 *
 * @param {string} directory is made if need be.
 */
export function writeNotices(directory) {
  mkdirSync(directory, { recursive: true });
  copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  writeFileSync(join(directory, 'third-party-licences.txt'), renderLicences());
  writeFileSync(join(directory, 'sbom.cdx.json'), JSON.stringify(listForScanners()));
}

/** Not by --omit=dev, with which npm leaves out what is needed in production and for development (yaml, for one). */
function listForScanners() {
  const text = execFileSync(
    'npm',
    ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'],
    { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const { metadata, components: all, dependencies, ...rest } = JSON.parse(text);
  // npm takes the folder's name for ours.
  const component = { ...metadata.component, name: 'meshcert' };
  const isForDevelopment = ({ properties }) => properties.some(({ name }) => name === 'cdx:npm:package:development');
  const components = all.filter((one) => !isForDevelopment(one));
  const kept = new Set([component, ...components].map((one) => one['bom-ref']));
  return {
    ...rest,
    metadata: { ...metadata, component },
    components,
    dependencies: dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) })),
  };
}

/** Each text once, with the packages that it is of. */
function renderLicences() {
  const packagesByText = new Map();
  for (const { path, label } of listPackages()) {
    const text = readLicence(path) ?? `(The package holds no text of its licence; package.json names it.)\n`;
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), label]);
  }
  return Array.from(packagesByText, ([text, labels]) => `${labels.sort().join('\n')}\n\n${text.trim()}\n`).join(
    `\n${'-'.repeat(80)}\n\n`,
  );
}

function listPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional && existsSync(join(root, path)))
    .map(([path, { version, license }]) => ({
      path: join(root, path),
      label: `${path.split('node_modules/').at(-1)} ${version} (${license ?? 'see below'})`,
    }));
}

function readLicence(directory) {
  const name = readdirSync(directory).find((one) => /^(licen[cs]e|copying)/i.test(one));
  return name === undefined ? undefined : readFileSync(join(directory, name), 'utf8');
}
