import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ACMPCAClient,
  CreateCertificateAuthorityCommand,
  GetCertificateAuthorityCsrCommand,
  GetCertificateCommand,
  ImportCertificateAuthorityCertificateCommand,
  IssueCertificateCommand,
  type KeyAlgorithm,
  type SigningAlgorithm,
} from '@aws-sdk/client-acm-pca';
import type { Test } from 'tap';
import type { AcmPcaConfig } from '../../src/issuer/acmpca/config.ts';
import { freePort } from './free-port.ts';
import { peerProgram } from './peers.ts';
import { startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const SCRIPT = fileURLToPath(new URL('../peers/acmpca/serve.py', import.meta.url));
const REGION = 'eu-central-1';
const TEMPLATES = 'arn:aws:acm-pca:::template';

/** What the SDK reads, in this process and in others. */
export const ENDPOINT_VARIABLE = 'AWS_ENDPOINT_URL_ACM_PCA';

/** See test/peers/acmpca/serve.py. */
export interface Fault {
  readonly action: string;
  /** Undefined: for ever. */
  readonly times?: number;
  readonly error?: string;
  readonly message?: string;
  readonly status?: number;
  readonly drop?: boolean;
  readonly uri?: string;
  readonly otherKey?: boolean;
  readonly lifeSeconds?: number;
}

export interface Call {
  readonly action: string;
  readonly accessKeyId: string;
  readonly region: string;
  readonly sessionToken: string | null;
  readonly TemplateArn?: string;
  readonly SigningAlgorithm?: string;
  readonly IdempotencyToken?: string;
  readonly Validity?: { readonly Type: string; readonly Value: number };
}

export interface CaOptions {
  /** Default EC_prime256v1. */
  readonly keyAlgorithm?: KeyAlgorithm;
  /** Of the CA's own certificate. Default: 10 years. */
  readonly lifeSeconds?: number;
  readonly isShortLived?: boolean;
  /** The CA above. Default: this is a root. */
  readonly parent?: PrivateCa;
  /** Default: it gets its certificate. */
  readonly isPending?: boolean;
}

export interface PrivateCa {
  readonly arn: string;
  readonly keyAlgorithm: KeyAlgorithm;
  /** Its own certificate, and those above it. */
  readonly certificatePem: string;
  readonly rootPem: string;
  /** For an issuer with credentials of its own. */
  readonly config: AcmPcaConfig;
  /** Gives it its certificate, where it is pending. */
  install(): Promise<void>;
  /** In place of those before. */
  setFaults(...faults: readonly Fault[]): Promise<void>;
  setStatus(status: string): Promise<void>;
  /** All that was asked of it, but for making it. */
  calls(): Promise<readonly Call[]>;
  /** End-entity certificates that it has signed. */
  issued(): Promise<number>;
}

export interface Seen {
  readonly calls: readonly Call[];
  readonly issued: number;
}

export interface PrivateCaService {
  readonly url: string;
  createCa(options?: CaOptions): Promise<PrivateCa>;
  /** All that was asked of a CA, and the number of end-entity certificates that it has signed. */
  look(arn: string): Promise<Seen>;
}

/** Starts the stand-in for as long as the test lives. */
export async function startPrivateCaService(t: Pick<Test, 'teardown'>): Promise<PrivateCaService> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const directory = temporaryDirectory(t);
  const python = peerProgram('acmpca');
  const running = await startProcess({
    name: 'acmpca',
    command: python,
    args: [SCRIPT, String(port)],
    directory,
    env: { PATH: process.env.PATH, HOME: directory, PYTHONPYCACHEPREFIX: join(dirname(python), 'compiled') },
    // An ARN that nobody has: it answers that much when it serves.
    ready: async () => (await requestJson(`${url}/stand-in/`, { method: 'POST', body: {} })).status === 200,
  });
  t.teardown(() => running.stop());
  return { url, createCa: (options = {}) => createCa(url, options), look: (arn) => look(url, arn) };
}

/** Lets the SDK in this process ask the stand-in. */
export function useEndpoint(t: Pick<Test, 'teardown'>, url: string): void {
  process.env[ENDPOINT_VARIABLE] = url;
  t.teardown(() => {
    delete process.env[ENDPOINT_VARIABLE];
  });
}

async function look(url: string, arn: string): Promise<Seen> {
  return (await requestJson<Seen>(`${url}/stand-in/calls?arn=${arn}`)).body;
}

async function createCa(url: string, options: CaOptions): Promise<PrivateCa> {
  const { keyAlgorithm = 'EC_prime256v1', lifeSeconds = 10 * 365 * 86_400, parent } = options;
  const client = new ACMPCAClient({
    region: REGION,
    endpoint: url,
    credentials: { accessKeyId: 'AKIAADMIN', secretAccessKey: 'x' },
  });
  const SigningAlgorithm = chooseSigningAlgorithm(keyAlgorithm);
  const { CertificateAuthorityArn: arn = '' } = await client.send(
    new CreateCertificateAuthorityCommand({
      CertificateAuthorityType: parent === undefined ? 'ROOT' : 'SUBORDINATE',
      CertificateAuthorityConfiguration: {
        KeyAlgorithm: keyAlgorithm,
        SigningAlgorithm,
        Subject: { CommonName: `CA ${Math.floor(performance.now())}` },
      },
      ...(options.isShortLived && { UsageMode: 'SHORT_LIVED_CERTIFICATE' }),
    }),
  );
  let certificatePem = '';
  const install = async () => {
    const { Csr = '' } = await client.send(new GetCertificateAuthorityCsrCommand({ CertificateAuthorityArn: arn }));
    const signer = parent?.arn ?? arn;
    const { CertificateArn } = await client.send(
      new IssueCertificateCommand({
        CertificateAuthorityArn: signer,
        Csr: Buffer.from(Csr),
        SigningAlgorithm: chooseSigningAlgorithm(parent?.keyAlgorithm ?? keyAlgorithm),
        TemplateArn: `${TEMPLATES}/${parent === undefined ? 'RootCACertificate' : 'SubordinateCACertificate_PathLen0'}/V1`,
        Validity: { Type: 'ABSOLUTE', Value: Math.floor(Date.now() / 1000) + lifeSeconds - (parent ? 1 : 0) },
      }),
    );
    const made = await client.send(new GetCertificateCommand({ CertificateAuthorityArn: signer, CertificateArn }));
    certificatePem = made.Certificate ?? '';
    await client.send(
      new ImportCertificateAuthorityCertificateCommand({
        CertificateAuthorityArn: arn,
        Certificate: Buffer.from(certificatePem),
        ...(made.CertificateChain && { CertificateChain: Buffer.from(made.CertificateChain) }),
      }),
    );
  };
  if (!options.isPending) await install();
  const control = (path: string, body: object) =>
    requestJson(`${url}/stand-in/${path}`, { method: 'POST', body: { arn, ...body } });
  const seenBefore = (await look(url, arn)).calls.length;
  return {
    arn,
    keyAlgorithm,
    certificatePem,
    rootPem: parent?.rootPem ?? certificatePem,
    install,
    config: {
      kind: 'acmpca',
      arn,
      region: REGION,
      partition: 'aws',
      loginRegion: REGION,
      credentials: {
        accessKey: { kind: 'inline', value: 'AKIAWEB' },
        accessKeySecret: { kind: 'inline', value: 'secret-of-web' },
      },
    },
    setFaults: async (...faults) => void (await control('faults', { faults })),
    setStatus: async (status) => void (await control('status', { status })),
    calls: async () => (await look(url, arn)).calls.slice(seenBefore),
    issued: async () => (await look(url, arn)).issued,
  };
}

function chooseSigningAlgorithm(keyAlgorithm: KeyAlgorithm): SigningAlgorithm {
  if (keyAlgorithm.startsWith('RSA')) return 'SHA256WITHRSA';
  return keyAlgorithm === 'EC_secp384r1' ? 'SHA384WITHECDSA' : 'SHA256WITHECDSA';
}
