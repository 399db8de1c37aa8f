const TIMEOUT_MS = 1_000;

/**
 * Who answers at a Unix socket, in words. Undefined: nobody, its process has ended. When in doubt somebody does: a
 * living socket must not be taken away.
 */
export async function findLiveListener(socket: string): Promise<string | undefined> {
  const { request } = await import('node:http');
  const stranger = 'another program';
  return new Promise((resolve) => {
    const asked = request({ socketPath: socket, path: '/status', timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > 1_000_000) asked.destroy();
      });
      response.on('end', () => resolve(describe(text) ?? stranger));
      response.on('error', () => resolve(stranger));
    });
    asked.on('timeout', () => {
      asked.destroy();
      resolve(stranger);
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? undefined : stranger);
    });
    asked.end();
  });
}

function describe(text: string): string | undefined {
  try {
    const { spiffeId, agent } = JSON.parse(text);
    return typeof spiffeId === 'string' ? `another agent (${spiffeId}, pid ${agent?.pid})` : undefined;
  } catch {
    return undefined;
  }
}
