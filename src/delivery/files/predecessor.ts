import { X509Certificate } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOf, type Output } from './contents.ts';
import { DATA_LINK } from './generation-directory.ts';

/** What an earlier run of the agent has left to readers. */
export interface Predecessor {
  /** When its certificate expires; undefined: it has left none, or none that can be read. */
  readonly notAfterMs: number | undefined;
  /** PEM; undefined: none. */
  readonly bundle: string | undefined;
}

/** @returns undefined when nothing was ever published in this directory. */
export async function readPredecessor(output: Output): Promise<Predecessor | undefined> {
  const { directory } = output;
  const generation = await readlink(join(directory, DATA_LINK)).catch(() => undefined);
  if (generation === undefined) return undefined;
  const read = (file: 'tls.crt' | 'ca.crt') =>
    readFile(join(directory, generation, nameOf(file, output)), 'utf8').catch(() => undefined);
  const [certificate, bundle] = await Promise.all([read('tls.crt'), read('ca.crt')]);
  return { notAfterMs: certificate === undefined ? undefined : readNotAfter(certificate), bundle };
}

/** @param pem the first certificate counts: the leaf. */
function readNotAfter(pem: string): number | undefined {
  try {
    return new X509Certificate(pem).validToDate.getTime();
  } catch {
    return undefined;
  }
}
