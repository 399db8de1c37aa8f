import { join } from 'node:path';
import type { Generation } from '../../identity/identity.ts';
import { derToPem } from '../../identity/pem.ts';
import type { FilesConfig } from './config.ts';

/** Every name that this delivery makes in the user's directory. */
export const FILE_NAMES = [
  'tls.crt',
  'tls.key',
  'ca.crt',
  'credentialbundle.pem',
  'tls_certificate_sds.yaml',
  'validation_context_sds.yaml',
] as const;

export type FileName = (typeof FILE_NAMES)[number];

export interface FileContent {
  readonly name: FileName;
  readonly text: string;
  /** Holds the private key. */
  readonly secret: boolean;
}

/**
 * The files of one generation.
 *
 * `tls.crt`: leaf, then intermediates, PEM. `tls.key`: PKCS#8, PEM. `ca.crt`: the trust bundle, PEM.
 * `credentialbundle.pem`: the key block, then the chain (KEP-4317), for readers of a single file.
 * The two others are Envoy's file-based SDS: a DiscoveryResponse each, with the secrets `default` and `ROOTCA`.
 *
 * @param directory as readers name it: Envoy is told these paths, not those of one generation.
 */
export function renderFiles(generation: Generation, directory: string): FileContent[] {
  const chain = generation.chain.map((der) => derToPem('CERTIFICATE', der)).join('');
  const key = derToPem('PRIVATE KEY', generation.privateKey.export({ format: 'der', type: 'pkcs8' }));
  const bundle = generation.trustBundle.map((der) => derToPem('CERTIFICATE', der)).join('');
  return [
    { name: 'tls.crt', text: chain, secret: false },
    { name: 'tls.key', text: key, secret: true },
    { name: 'ca.crt', text: bundle, secret: false },
    { name: 'credentialbundle.pem', text: key + chain, secret: true },
    {
      name: 'tls_certificate_sds.yaml',
      text: renderSecret(generation.number, 'default', directory, 'tls_certificate', {
        certificate_chain: 'tls.crt',
        private_key: 'tls.key',
      }),
      secret: false,
    },
    {
      name: 'validation_context_sds.yaml',
      text: renderSecret(generation.number, 'ROOTCA', directory, 'validation_context', { trusted_ca: 'ca.crt' }),
      secret: false,
    },
  ];
}

/** Where programs find the files of one directory. */
export function describeOutput({ directory }: FilesConfig) {
  const pathOf = (name: FileName) => join(directory, name);
  return { directory, certificate: pathOf('tls.crt'), key: pathOf('tls.key'), trustBundle: pathOf('ca.crt') };
}

/**
 * What is left of a generation when its identity has expired: peers can still be verified, and nothing else.
 *
 * The SDS file of the certificate stays, without a secret: Envoy 1.40 exits at start when it is missing, but starts
 * with one that is empty, refuses connections, and takes the next identity as soon as it comes.
 */
export function renderFilesWithoutIdentity(generation: Generation, directory: string): FileContent[] {
  const kept = renderFiles(generation, directory).filter(({ name }) => KEPT_WITHOUT_IDENTITY.includes(name));
  const text = `version_info: ${quote(`${generation.number} expired`)}\nresources: []\n`;
  return [...kept, { name: 'tls_certificate_sds.yaml', text, secret: false }];
}

const KEPT_WITHOUT_IDENTITY: readonly FileName[] = ['ca.crt', 'validation_context_sds.yaml'];

/**
 * A DiscoveryResponse with one Secret (envoy.service.discovery.v3).
 *
 * `watched_directory` is where `..data` is renamed; without it Envoy would watch the folder of a generation, in which
 * nothing ever moves. The version shows in Envoy's `sds.<name>.version_text`.
 */
function renderSecret(
  version: number,
  name: string,
  directory: string,
  type: string,
  sources: Readonly<Record<string, FileName>>,
): string {
  const lines = Object.entries(sources).map(
    ([field, file]) => `    ${field}: { filename: ${quote(join(directory, file))} }`,
  );
  return [
    `version_info: ${quote(String(version))}`,
    'resources:',
    '- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    `  name: ${name}`,
    `  ${type}:`,
    ...lines,
    `    watched_directory: { path: ${quote(directory)} }`,
    '',
  ].join('\n');
}

/** A JSON string is a double-quoted YAML scalar too (YAML 1.2, 7.3.1). */
function quote(text: string): string {
  return JSON.stringify(text);
}
