import { randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';

/**
 * Makes a file that appears whole or not at all, and never replaces another: link(2) refuses to.
 *
 * @param mode permission bits, from which the umask takes its share.
 * @returns false when there is such a file already.
 * @throws Error of Node, with its code.
 */
export async function writeNewFile(path: string, text: string, mode: number): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    return false;
  } finally {
    await rm(temporary, { force: true });
  }
}
