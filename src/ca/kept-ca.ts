/**
 * A CA of our own: made on first use, then kept as two texts, named as Kuma names its secrets.
 *
 * @module
 */
import { AgentError } from '../errors.ts';
import { derToPem } from '../identity/pem.ts';
import { readCaKey } from './ca-material.ts';

/** A CA's certificate and private key (PKCS#8), PEM. */
export interface CaPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Where the two texts are kept. */
export interface CaKeeper {
  /** Undefined: there is none. */
  read(name: string): Promise<string | undefined>;
  /** Stores the text unless there is one under that name, and returns what is stored then. Never replaces. */
  writeFirst(name: string, text: string): Promise<string>;
  /** For messages: the path of a file, the name of a Secret. */
  describe(name: string): string;
}

export interface CaMaker {
  makeKey(): Promise<string>;
  makeCertificate(privateKeyPem: string): Promise<string>;
}

/**
 * Reads a CA, or makes it.
 *
 * Processes that start together agree on one CA, and one that is killed half-way is continued by the next: each text is
 * stored once, and whoever finds the key without its certificate makes that one.
 *
 * @param maker undefined: the CA is in use, and so must be there.
 * @throws AgentError `ERR_SOURCE`, and what the keeper throws.
 */
export async function readOrMakeCa(
  keeper: CaKeeper,
  { mesh, backend }: { readonly mesh: string; readonly backend: string },
  maker: CaMaker | undefined,
): Promise<CaPair> {
  const certificateName = `${mesh}.ca-builtin-cert-${backend}`;
  const keyName = `${mesh}.ca-builtin-key-${backend}`;
  const certificatePem = await keeper.read(certificateName);
  const privateKeyPem = await keeper.read(keyName);
  if (certificatePem !== undefined && privateKeyPem !== undefined) return { certificatePem, privateKeyPem };
  if (certificatePem !== undefined) {
    const [there, missing] = [keeper.describe(certificateName), keeper.describe(keyName)];
    throw refuse(
      `the CA's certificate is at ${there}, its key is not at ${missing}`,
      'bring the key back, or move the certificate away and a new CA is made',
    );
  }
  if (maker === undefined) {
    throw refuse(
      `the CA that is in use is gone: there is no ${keeper.describe(certificateName)}`,
      'bring it back, or restart to begin with a new CA, which every peer has to trust',
    );
  }
  const key = privateKeyPem ?? (await keeper.writeFirst(keyName, await maker.makeKey()));
  const certificate = await keeper.writeFirst(certificateName, await maker.makeCertificate(key));
  return { privateKeyPem: key, certificatePem: certificate };
}

export interface OwnCa {
  readonly mesh: string;
  readonly backend: string;
  readonly trustDomain: string;
  /** Undefined: EC P-256. */
  readonly rsaBits?: number | undefined;
  readonly caTtlSeconds: number;
  readonly nowMs: () => number;
  /** Called when a certificate was made. */
  readonly made: () => void;
}

/** Makes a root for one backend. Loads the X.509 library when it does. */
export function openCaMaker({ mesh, backend, trustDomain, rsaBits, caTtlSeconds, nowMs, made }: OwnCa): CaMaker {
  return {
    async makeKey() {
      const { makeCaKey } = await import('./make-ca.ts');
      return makeCaKey(rsaBits === undefined ? 'ec-p256' : `rsa-${rsaBits}`);
    },
    async makeCertificate(keyPem) {
      const { makeCaCertificate } = await import('./make-ca.ts');
      const privateKey = readCaKey(keyPem, `the key of the CA of backend "${backend}"`);
      const subject = { privateKey, name: `${mesh} ${backend}`, trustDomain, ttlSeconds: caTtlSeconds };
      const { der } = await makeCaCertificate({ ...subject, nowMs: nowMs() });
      made();
      return derToPem('CERTIFICATE', der);
    },
  };
}

function refuse(message: string, remedy: string): AgentError {
  return new AgentError('ERR_SOURCE', message, { remedy, detail: 'incomplete' });
}
