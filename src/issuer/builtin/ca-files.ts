import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaKeeper } from '../../ca/kept-ca.ts';
import { writeNewFile } from '../../ca/write-new-file.ts';
import { AgentError } from '../../errors.ts';

/**
 * Keeps a CA in a directory (0700) as two files, each 0600: they appear whole by link(2), which never replaces. The
 * directory is made when there is something to keep.
 */
export function openCaFiles(directory: string): CaKeeper {
  const toPath = (name: string) => join(directory, name);
  return {
    describe: toPath,
    read: (name) => explain(directory, () => readIfThere(toPath(name))),
    writeFirst: (name, text) =>
      explain(directory, async () => {
        await mkdir(directory, { recursive: true, mode: 0o700 });
        return (await writeNewFile(toPath(name), text, 0o600)) ? text : await readFile(toPath(name), 'utf8');
      }),
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  });
}

/** @throws AgentError `ERR_SOURCE` */
async function explain<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, path } = cause as NodeJS.ErrnoException;
    throw new AgentError('ERR_SOURCE', `cannot keep a CA in ${directory}: ${code} at ${path ?? directory}`, {
      remedy: 'make it a directory that this process may write',
      cause,
    });
  }
}
