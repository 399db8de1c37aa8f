import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { type CaChain, type CaMaterial, chainToPem, readCaKey, readCaMaterial } from '../ca/ca-material.ts';
import { nameCertificate, requireCa } from '../ca/check-ca.ts';
import { describeKey } from '../ca/signing-algorithm.ts';
import { writeNewFile } from '../ca/write-new-file.ts';
import { systemClock } from '../clock.ts';
import { openDataSources } from '../data-source.ts';
import { AgentError } from '../errors.ts';
import type { Edge, ExitCode } from './edge.ts';

export const CA_INIT_KEY_TYPES = ['ec-p256', 'ec-p384', 'ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;

export interface CaInitOptions {
  readonly mesh: string;
  readonly backend: string;
  /** Default: the mesh's name. */
  readonly trustDomain?: string;
  readonly directory: string;
  readonly keyType: (typeof CA_INIT_KEY_TYPES)[number];
  /** Life of the certificate, in milliseconds. */
  readonly expiration: number;
  /** File, PEM. Set: an intermediate is made, which this CA issues. */
  readonly rootCert?: string;
  /** File, PEM. Not set: the key stands beside the certificate. */
  readonly rootKey?: string;
}

/**
 * Makes a CA in two new files and prints how a Mesh uses it.
 *
 * @throws AgentError `ERR_CONFIG` for names that are none and files that exist; `ERR_SOURCE` when the issuing CA cannot
 *   be used, or nothing can be written.
 */
export async function initCa(
  options: CaInitOptions,
  edge: Pick<Edge, 'currentDirectory' | 'writeOut'>,
  clock: Pick<typeof systemClock, 'nowMs'> = systemClock,
): Promise<ExitCode> {
  const { mesh, backend, trustDomain = mesh, keyType, expiration } = options;
  requireName('--mesh', mesh, /^[a-z0-9._-]{1,253}$/);
  requireName('--backend', backend, /^[A-Za-z0-9._-]{1,253}$/);
  requireName('--trust-domain', trustDomain, /^[a-z0-9._-]{1,255}$/);
  const nowMs = clock.nowMs();
  const issuer = await readIssuer(options, edge.currentDirectory, nowMs);

  const { makeCaCertificate, makeCaKey } = await import('../ca/make-ca.ts');
  const keyPem = await makeCaKey(keyType);
  const privateKey = readCaKey(keyPem, 'the new key');
  const name = `${mesh} ${backend}`;
  const made = await makeCaCertificate({ privateKey, name, trustDomain, ttlSeconds: expiration / 1000, nowMs, issuer });
  const chain: CaChain = [made, ...(issuer?.chain ?? [])];
  requireCa(chain, privateKey, nowMs, 'the new CA', 'take another CA as --root-cert');

  const directory = resolve(edge.currentDirectory, options.directory);
  const certificatePath = join(directory, `${mesh}.${backend}.crt`);
  const keyPath = join(directory, `${mesh}.${backend}.key`);
  await writePair([keyPath, keyPem], [certificatePath, chainToPem(chain)]);

  const kind = issuer === undefined ? 'a root CA' : `an intermediate CA under "${nameCertificate(issuer.chain[0])}"`;
  const until = made.x509.validToDate.toISOString();
  const isCapped = made.x509.validToDate.getTime() < Math.floor((nowMs + expiration) / 1000) * 1000;
  edge.writeOut(`# made ${kind}: ${describeKey(privateKey)}, until ${until}${isCapped ? ', when its issuer ends' : ''}
#   ${certificatePath}
#   ${keyPath}   whoever reads it can be every service of the mesh
# A Mesh that uses it:
${stringify(describeMesh(mesh, backend, certificatePath, keyPath))}`);
  return 0;
}

async function readIssuer(
  { rootCert, rootKey }: CaInitOptions,
  currentDirectory: string,
  nowMs: number,
): Promise<CaMaterial | undefined> {
  if (rootCert === undefined) {
    if (rootKey === undefined) return undefined;
    throw new AgentError('ERR_CONFIG', '--root-key is there without --root-cert', { remedy: 'give both' });
  }
  const readSource = openDataSources(currentDirectory);
  const read = (file: string) => readSource({ kind: 'file', path: resolve(currentDirectory, file) });
  const what = 'the CA of --root-cert';
  const material = readCaMaterial(await read(rootCert), rootKey && (await read(rootKey)), what);
  requireCa(material.chain, material.privateKey, nowMs, what, 'see each rule: meshcert ca check CERT KEY');
  return material;
}

/** The key first: a certificate that is there has its key. */
async function writePair(key: [path: string, pem: string], certificate: [path: string, pem: string]): Promise<void> {
  const directory = resolve(key[0], '..');
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (!(await writeNewFile(...key, 0o600))) throw refuseToReplace(key[0]);
    if (await writeNewFile(...certificate, 0o644)) return;
    await rm(key[0]);
    throw refuseToReplace(certificate[0]);
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    const { code, path } = thrown as NodeJS.ErrnoException;
    throw new AgentError('ERR_SOURCE', `cannot write a CA to ${directory}: ${code} at ${path ?? directory}`, {
      remedy: 'name a folder that you may write with --directory',
      cause: thrown,
    });
  }
}

function refuseToReplace(path: string): AgentError {
  return new AgentError('ERR_CONFIG', `${path} is there already, and a CA is never replaced`, {
    remedy: 'take another --backend or --directory',
  });
}

function requireName(option: string, value: string, pattern: RegExp): void {
  if (pattern.test(value) && !/^\.{1,2}$/.test(value)) return;
  throw new AgentError('ERR_CONFIG', `${option} ${JSON.stringify(value.slice(0, 60))} cannot be the name of it`, {
    remedy: `expected ${pattern.source.includes('A-Z') ? 'letters' : 'a-z'}, digits, ".", "-" and "_"`,
  });
}

/** The form of Universal, which is that of Kubernetes under `spec`. */
function describeMesh(mesh: string, backend: string, certificatePath: string, keyPath: string): object {
  const conf = { cert: { file: certificatePath }, key: { file: keyPath } };
  const backends = [{ name: backend, type: 'provided', conf }];
  return { type: 'Mesh', name: mesh, mtls: { enabledBackend: backend, backends } };
}
