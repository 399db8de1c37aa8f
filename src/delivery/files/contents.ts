import { join } from 'node:path';
import type { Generation } from '../../identity/identity.ts';
import { derToPem } from '../../identity/pem.ts';
import type { FileName, FilesConfig } from './config.ts';

const PEM_AND_SDS = [
  'tls.crt',
  'tls.key',
  'ca.crt',
  'credentialbundle.pem',
  'tls_certificate_sds.yaml',
  'validation_context_sds.yaml',
] as const;
const PKCS12 = ['keystore.p12', 'truststore.p12'] as const;

export interface FileContent {
  /** As it is called in this directory. */
  readonly name: string;
  readonly content: string | Buffer;
  /** Holds the private key. */
  readonly secret: boolean;
}

/** Whose files: the names are the user's. */
export type Output = Pick<FilesConfig, 'directory' | 'names' | 'pkcs12'>;

export function nameOf(file: FileName, { names }: Pick<Output, 'names'>): string {
  return names[file] ?? file;
}

/** The names of all files that this output has. */
export function listNames(output: Output): string[] {
  const files = output.pkcs12 === undefined ? PEM_AND_SDS : [...PEM_AND_SDS, ...PKCS12];
  return files.map((file) => nameOf(file, output));
}

/** Where programs find the files of one output. */
export function describeOutput(output: Output) {
  const pathOf = (file: FileName) => join(output.directory, nameOf(file, output));
  return {
    directory: output.directory,
    certificate: pathOf('tls.crt'),
    key: pathOf('tls.key'),
    trustBundle: pathOf('ca.crt'),
  };
}

/**
 * The files of one generation, but for PKCS#12.
 *
 * `tls.crt`: leaf, then intermediates, PEM. `tls.key`: PKCS#8, PEM. `ca.crt`: the trust bundle, PEM.
 * `credentialbundle.pem`: the key block, then the chain (KEP-4317), for readers of a single file.
 * The two others are Envoy's file-based SDS: a DiscoveryResponse each, with the secrets `default` and `ROOTCA`.
 * Envoy is told the paths that readers know, not those of one generation.
 */
export function renderFiles(generation: Generation, output: Output): FileContent[] {
  const chain = generation.chain.map((der) => derToPem('CERTIFICATE', der)).join('');
  const key = derToPem('PRIVATE KEY', generation.privateKey.export({ format: 'der', type: 'pkcs8' }));
  const version = String(generation.number);
  const file = (name: FileName, content: string) => ({ name: nameOf(name, output), content, secret: false });
  return [
    file('tls.crt', chain),
    { ...file('tls.key', key), secret: true },
    { ...file('credentialbundle.pem', key + chain), secret: true },
    file('tls_certificate_sds.yaml', renderCertificateSecret(version, output)),
    ...renderTrust(renderBundle(generation), version, output),
  ];
}

/** PEM. */
export function renderBundle({ trustBundle }: Generation): string {
  return trustBundle.map((der) => derToPem('CERTIFICATE', der)).join('');
}

/**
 * What there is without an identity, before the first and when one has expired: peers can be verified, if the bundle is
 * known, and nothing else.
 *
 * The SDS files are there all the same, without a secret: Envoy 1.40 exits at start when they are missing, but starts
 * with empty ones, refuses connections, and takes the next identity as soon as it comes.
 *
 * @param bundle PEM. @param version for Envoy's `version_text`.
 */
export function renderFilesWithoutIdentity(bundle: string | undefined, version: string, output: Output): FileContent[] {
  const empty = (name: FileName) => ({
    name: nameOf(name, output),
    content: `version_info: ${quote(version)}\nresources: []\n`,
    secret: false,
  });
  const trust = bundle === undefined ? [empty('validation_context_sds.yaml')] : renderTrust(bundle, version, output);
  return [...trust, empty('tls_certificate_sds.yaml')];
}

function renderTrust(bundle: string, version: string, output: Output): FileContent[] {
  const secret = renderSecret(version, 'ROOTCA', 'validation_context', { trusted_ca: 'ca.crt' }, output);
  return [
    { name: nameOf('ca.crt', output), content: bundle, secret: false },
    { name: nameOf('validation_context_sds.yaml', output), content: secret, secret: false },
  ];
}

function renderCertificateSecret(version: string, output: Output): string {
  const sources = { certificate_chain: 'tls.crt', private_key: 'tls.key' } as const;
  return renderSecret(version, 'default', 'tls_certificate', sources, output);
}

/**
 * A DiscoveryResponse with one Secret (envoy.service.discovery.v3).
 *
 * `watched_directory` is where `..data` is renamed; without it Envoy would watch the folder of a generation, in which
 * nothing ever moves. The version shows in Envoy's `sds.<name>.version_text`.
 */
function renderSecret(
  version: string,
  name: string,
  type: string,
  sources: Readonly<Record<string, FileName>>,
  output: Output,
): string {
  const lines = Object.entries(sources).map(
    ([field, file]) => `    ${field}: { filename: ${quote(join(output.directory, nameOf(file, output)))} }`,
  );
  return [
    `version_info: ${quote(version)}`,
    'resources:',
    '- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    `  name: ${name}`,
    `  ${type}:`,
    ...lines,
    `    watched_directory: { path: ${quote(output.directory)} }`,
    '',
  ].join('\n');
}

/** A JSON string is a double-quoted YAML scalar too (YAML 1.2, 7.3.1). */
function quote(text: string): string {
  return JSON.stringify(text);
}
