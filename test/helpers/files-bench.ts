import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { openDataSources } from '../../src/data-source.ts';
import type { FilesConfig } from '../../src/delivery/files/config.ts';
import type { FilesOptions } from '../../src/delivery/files/files.ts';
import { openRecordingLog } from './recording-log.ts';

export function filesConfig(directory: string, options: Partial<FilesConfig> = {}): FilesConfig {
  return { directory, keyMode: 0o600, mode: 0o644, graceMs: 60_000, names: {}, ...options };
}

/** What a delivery to files needs, as in the real agent but for its log. */
export function filesOptions(options: Partial<FilesOptions> = {}): FilesOptions {
  return { clock: systemClock, log: openRecordingLog(), readSource: openDataSources('/nonexistent'), ...options };
}

export interface FoundIdentity {
  readonly serialNumber: string;
  /** Whether every file of the generation fits the others. */
  readonly whole: boolean;
}

/**
 * Reads as the contract asks readers to: resolves `..data` once, takes everything from there.
 *
 * @returns undefined when no generation was ever published, or the identity was withdrawn.
 */
export function readIdentity(directory: string): FoundIdentity | undefined {
  let generation: string;
  try {
    generation = realpathSync(join(directory, '..data'));
  } catch {
    return undefined;
  }
  if (!readdirSync(generation).includes('tls.key')) return undefined;
  const read = (name: string) => readFileSync(join(generation, name), 'utf8');
  const leaf = new X509Certificate(read('tls.crt'));
  const key = createPrivateKey(read('tls.key'));
  const whole =
    leaf.checkPrivateKey(key) &&
    read('credentialbundle.pem') === read('tls.key') + read('tls.crt') &&
    new X509Certificate(read('ca.crt')).ca &&
    read('tls_certificate_sds.yaml').endsWith('}\n') &&
    read('validation_context_sds.yaml').endsWith('}\n');
  return { serialNumber: leaf.serialNumber, whole };
}

/** Names of the directories of generations, the one in use included. */
export function listGenerations(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('..meshcert-'));
}
