import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Test } from 'tap';

/** As databases and mail servers do, it speaks first, then repeats what it hears. */
export async function startGreetingApp(t: Pick<Test, 'teardown'>): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('hello\n');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Connects, waits to be greeted, says something. @returns all that was heard until it was repeated. */
export function talkToGreetingApp(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(10_000, () => socket.destroy(new Error(`heard ${JSON.stringify(heard)} in 10 s`)));
    socket.setEncoding('utf8').on('data', (text: string) => {
      if (heard === '') socket.write(`${word}\n`);
      heard += text;
      if (heard.endsWith(`${word}\n`)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
  });
}
