import { X509Certificate } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
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
export function readPredecessor(output: Output): Predecessor | undefined {
  const { directory } = output;
  const generation = orNothing(() => readlinkSync(join(directory, DATA_LINK)));
  if (generation === undefined) return undefined;
  const read = (file: 'tls.crt' | 'ca.crt') =>
    orNothing(() => readFileSync(join(directory, generation, nameOf(file, output)), 'utf8'));
  const certificate = read('tls.crt');
  return { notAfterMs: certificate === undefined ? undefined : readNotAfter(certificate), bundle: read('ca.crt') };
}

/** What cannot be read is not there. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** @param pem the first certificate counts: the leaf. */
function readNotAfter(pem: string): number | undefined {
  return orNothing(() => new X509Certificate(pem).validToDate.getTime());
}
