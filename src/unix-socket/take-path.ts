/**
 * How one of many starters gets the path of a socket.
 *
 * The file of a socket outlives its process. So what lies at the path is of a living listener, which must keep it, or was
 * left by a killed one, and has to be replaced without anybody's help. To look who answers and to replace are two steps,
 * and two starters may both look before either replaces. So the steps are taken by one at a time, who holds the claim:
 *
 * 1. A starter listens in a directory of its own, `.sXXXXXX/XXXXXX`. The name of that socket is one by chance
 *    of 62^6, and taken as used once.
 * 2. It claims the path by renaming its directory to the claim's name, `.lHASH`. rename(2) does that in one step, and only where
 *    there is nothing or an empty directory. A socket that it finds in the claim is of another holder: alive, and the
 *    starter fails; dead, and it removes that very socket and tries again.
 * 3. The holder looks who answers at the path. Somebody: it removes its socket from the claim, and fails.
 * 4. Nobody: it renames its socket from the claim to the path. That publishes it and ends the claim in one step.
 *
 * One wins: a listener is alive for everybody from before it claims until it stops, so nobody else gets the claim between
 * 2 and 4. What the holder saw in 3 is what it replaces in 4, as only holders replace, and what is dead stays dead.
 * Whoever holds the claim after it finds the path alive. A listener that ends leaves its path before it stops to
 * listen, so that it cannot take away that of a successor.
 *
 * A kill stops nobody: whoever was killed is dead wherever its socket lies, at the path or in the claim, and is replaced or
 * removed by the next starter. What is removed from a claim is removed by its name, which is never that of a newer socket.
 *
 * Clients find the dead socket or the new one with its mode and group, and at no moment anything else.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The directory, in that of the socket, whose content is the holder of the claim. As long as one of mkdtemp. */
function nameClaim(socket: string): string {
  return join(dirname(socket), `.l${hash('sha256', basename(socket), 'base64url').slice(0, 6)}`);
}

export interface OwnSocket {
  /** Beside `socket`, and with nothing in it but the own socket. */
  readonly directory: string;
  /** Of a socket that is listened at already. Unlike that of any other, ever. */
  readonly name: string;
}

/**
 * Moves the own socket to the path `socket`, where nobody or a dead one is. Afterwards, and after a failure, the own
 * directory may be gone.
 *
 * @param refuseWhatIsInUse throws unless there is nothing at a path, or a socket where nobody answers.
 * @throws what it throws, and errors of the file system.
 */
export async function takePath(
  { directory, name }: OwnSocket,
  socket: string,
  refuseWhatIsInUse: (path: string) => Promise<void>,
): Promise<void> {
  const claim = nameClaim(socket);
  while (!(await tryToClaim(directory, claim))) {
    for (const holder of await listHolders(claim)) {
      // Where somebody answers, the holder will fail as well. Where nobody does, the holder is who will.
      await refuseWhatIsInUse(socket);
      await refuseWhatIsInUse(holder);
      await rm(holder, { force: true });
    }
  }
  const own = join(claim, name);
  try {
    await refuseWhatIsInUse(socket);
    await rename(own, socket);
  } finally {
    await rm(own, { force: true });
    // It may be the next starter's already.
    await rmdir(claim).catch(() => undefined);
  }
}

/** @returns false: there is a holder. */
async function tryToClaim(directory: string, claim: string): Promise<boolean> {
  try {
    await rename(directory, claim);
    return true;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw thrown;
  }
}

/** One socket, or none when the claim has just ended. */
async function listHolders(claim: string): Promise<string[]> {
  try {
    return (await readdir(claim)).map((name) => join(claim, name));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}
