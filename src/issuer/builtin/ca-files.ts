import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeNewFile } from '../../ca/write-new-file.ts';
import { AgentError } from '../../errors.ts';

/** A CA's certificate and private key (PKCS#8), PEM. */
export interface CaPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface CaMaker {
  makeKey(): Promise<string>;
  makeCertificate(privateKeyPem: string): Promise<string>;
}

/**
 * Reads a CA from its directory (0700), or makes it there: two files, each 0600, named as Kuma names its secrets.
 *
 * Processes that start together agree on one CA, and one that is killed half-way is continued by the next: each file
 * appears whole by link(2), which never replaces, and whoever finds the key without its certificate makes that one.
 *
 * @param maker undefined: the CA is in use, and so must be there.
 * @throws AgentError `ERR_SOURCE`
 */
export async function readOrMakeCa(
  directory: string,
  mesh: string,
  backend: string,
  maker: CaMaker | undefined,
): Promise<CaPair> {
  const certificatePath = join(directory, `${mesh}.ca-builtin-cert-${backend}`);
  const keyPath = join(directory, `${mesh}.ca-builtin-key-${backend}`);
  try {
    const certificatePem = await readIfThere(certificatePath);
    const privateKeyPem = await readIfThere(keyPath);
    if (certificatePem !== undefined && privateKeyPem !== undefined) return { certificatePem, privateKeyPem };
    if (certificatePem !== undefined) {
      throw refuse(
        `the CA's certificate is at ${certificatePath}, its key is not at ${keyPath}`,
        'bring the key back, or move the certificate away and a new CA is made',
      );
    }
    if (maker === undefined) {
      throw refuse(
        `the CA that is in use is gone: there is no ${certificatePath}`,
        'bring its two files back, or restart the agent to begin with a new CA, which every peer has to trust',
      );
    }
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const key = privateKeyPem ?? (await writeFirst(keyPath, await maker.makeKey()));
    return { privateKeyPem: key, certificatePem: await writeFirst(certificatePath, await maker.makeCertificate(key)) };
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    const { code, path } = thrown as NodeJS.ErrnoException;
    throw new AgentError('ERR_SOURCE', `cannot keep a CA in ${directory}: ${code} at ${path ?? directory}`, {
      remedy: 'make it a directory that this process may write',
      cause: thrown,
    });
  }
}

function refuse(message: string, remedy: string): AgentError {
  return new AgentError('ERR_SOURCE', message, { remedy, detail: 'incomplete' });
}

/** Makes `path` hold `text` unless it exists, and returns what it holds then. */
async function writeFirst(path: string, text: string): Promise<string> {
  return (await writeNewFile(path, text, 0o600)) ? text : await readFile(path, 'utf8');
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  });
}
