/**
 * Where a credential comes from. The name and the four forms are Kuma's: `secret`, `file`, `inline`, `inlineString`.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from './errors.ts';

export type DataSource =
  /** A file NAME in the secrets directory. */
  | { readonly kind: 'secret'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  /** The value itself, for development. Decoded already where Kuma's `inline` holds base64. */
  | { readonly kind: 'inline'; readonly value: string };

/** Reads a source anew at each call: credentials rotate, and are never remembered. */
export type ReadDataSource = (source: DataSource) => Promise<string>;

/**
 * @param secretsDirectory where `secret: NAME` is the file NAME.
 * @returns a reader that gives the text as it is stored; callers trim what must be one word.
 * @throws AgentError `ERR_SOURCE` when it cannot be read or is empty.
 */
export function openDataSources(secretsDirectory: string): ReadDataSource {
  return async (source) => {
    if (source.kind === 'inline') return source.value;
    const path = source.kind === 'file' ? source.path : join(secretsDirectory, source.name);
    const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new AgentError('ERR_SOURCE', `cannot read ${describe(source, path)}: ${explain(cause)}`, {
        remedy: `make ${path} a file that this process may read`,
        cause,
      });
    });
    if (text.trim() === '') throw new AgentError('ERR_SOURCE', `${describe(source, path)} is empty`);
    return text;
  };
}

function describe(source: DataSource, path: string): string {
  return source.kind === 'secret' ? `secret "${source.name}" (${path})` : path;
}

function explain(cause: NodeJS.ErrnoException): string {
  if (cause.code === 'ENOENT') return 'no such file';
  if (cause.code === 'EACCES') return 'permission denied';
  return cause.code ?? 'unreadable';
}
