const TIMEOUT_MS = 1_000;

/**
 * Who answers at a Unix socket, in words. Undefined: nobody, its process has ended. When in doubt somebody does: a
 * living socket must not be taken away.
 */
export async function findListener(socket: string): Promise<string | undefined> {
  const { connect } = await import('node:net');
  const stranger = 'another program';
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.setTimeout(TIMEOUT_MS, () => connection.destroy());
    connection.once('connect', () => connection.destroy());
    connection.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? undefined : stranger),
    );
    connection.once('close', () => resolve(stranger));
  });
}
