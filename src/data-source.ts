/**
 * Where a credential comes from. The name and the four forms are Kuma's: `secret`, `file`, `inline`, `inlineString`.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from './errors.ts';

export type DataSource =
  /** A file NAME in the secrets directory; where there is none, and on Kubernetes, the Secret of that name. */
  | { readonly kind: 'secret'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  /** All the files of a folder, one after the other, in the order of their names: VAULT_CAPATH. */
  | { readonly kind: 'directory'; readonly path: string }
  /** The value itself, for development. Decoded already where Kuma's `inline` holds base64. */
  | { readonly kind: 'inline'; readonly value: string };

/** Reads a source anew at each call: credentials rotate, and are never remembered. */
export type ReadDataSource = (source: DataSource) => Promise<string>;

/** @param text that of the file. Undefined: it is about to be read, or is no file. */
export type TellRead = (path: string, text?: string) => void;

/**
 * @param secretsDirectory where `secret: NAME` is the file NAME.
 * @param reading is told each path, absolute or not, before it is read, and what was read there.
 * @param readSecret gives a secret that is no file there. Undefined: such a secret is missing.
 * @returns a reader that gives the text as it is stored; callers trim what must be one word.
 * @throws AgentError `ERR_SOURCE` when it cannot be read or is empty.
 */
export function openDataSources(
  secretsDirectory: string,
  reading?: TellRead,
  readSecret?: (name: string) => Promise<string>,
): ReadDataSource {
  return async (source) => {
    if (source.kind === 'inline') return source.value;
    const path = source.kind === 'secret' ? join(secretsDirectory, source.name) : source.path;
    reading?.(path);
    const isElsewhere = source.kind === 'secret' && readSecret !== undefined && !existsSync(path);
    if (isElsewhere) return readSecret(source.name);
    const text = source.kind === 'directory' ? readFolder(source, path) : readText(source, path);
    if (source.kind !== 'directory') reading?.(path, text);
    if (text.trim() === '') throw new AgentError('ERR_SOURCE', `${describe(source, path)} is empty`);
    return text;
  };
}

/** At once: it is one small file, and there is nothing else to do before it is read. */
function readText(source: DataSource, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AgentError('ERR_SOURCE', `cannot read ${describe(source, path)}: ${explain(cause)}`, {
      remedy: `make ${path} a file that this process may read`,
      cause,
    });
  }
}

function readFolder(source: DataSource, path: string): string {
  try {
    const files = readdirSync(path).toSorted();
    const texts = files.map((name) => join(path, name)).filter((file) => statSync(file).isFile());
    return texts.map((file) => readFileSync(file, 'utf8')).join('\n');
  } catch (cause) {
    throw new AgentError('ERR_SOURCE', `cannot read ${describe(source, path)}: ${explain(cause)}`, {
      remedy: `make ${path} a folder of files that this process may read`,
      cause,
    });
  }
}

function describe(source: DataSource, path: string): string {
  return source.kind === 'secret' ? `secret "${source.name}" (${path})` : path;
}

function explain(thrown: unknown): string {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'ENOTDIR') return 'no folder';
  if (code === 'EACCES') return 'permission denied';
  return code ?? 'unreadable';
}
