import type { Problem } from './config.ts';
import type { Source } from './documents.ts';

export interface ReadSourcesInput {
  /** What `-c` named, in order. When there is any, the environment is not looked at. */
  readonly files: readonly string[];
  /** `MESHCERT_CONFIG` may hold the configuration itself. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Gives the text of a file; rejects with Node's error codes. */
  readonly readFile: (path: string) => Promise<string>;
}

/** The texts to load the configuration from, and a problem for each file that cannot be read. */
export async function readSources({ files, environment, readFile }: ReadSourcesInput): Promise<{
  sources: Source[];
  problems: Problem[];
}> {
  const inline = environment.MESHCERT_CONFIG;
  if (files.length === 0) {
    const hasInline = inline !== undefined && inline.trim() !== '';
    return { sources: hasInline ? [{ file: 'MESHCERT_CONFIG', text: inline }] : [], problems: [] };
  }
  const read = await Promise.all(
    files.map(async (file): Promise<Source | Problem> => {
      try {
        return { file, text: await readFile(file) };
      } catch (thrown) {
        const message = `cannot be read: ${explain((thrown as NodeJS.ErrnoException).code)}`;
        return { file, line: 0, key: '', message, severity: 'error' };
      }
    }),
  );
  return { sources: read.filter((one) => 'text' in one), problems: read.filter((one) => 'message' in one) };
}

function explain(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory, not a file';
    default:
      return code ?? 'unknown error';
  }
}
