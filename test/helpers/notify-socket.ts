import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from './process.ts';

export interface NotifySocket {
  /** For `NOTIFY_SOCKET`. */
  readonly path: string;
  /** The messages so far, each as its assignments. What only synchronises sender and receiver is left out. */
  messages(): string[][];
  stop(): Promise<unknown>;
}

/** Stands in for systemd: the real socket and nothing behind it, so that a test sees each message. */
export async function openNotifySocket(directory: string): Promise<NotifySocket> {
  const path = join(directory, 'notify.sock');
  const listener = await startProcess({
    name: 'notify-socket',
    command: 'python3',
    args: [join(import.meta.dirname, 'notify-socket.py'), path],
    directory,
    ready: async () => existsSync(path),
  });
  return {
    path,
    messages() {
      const lines = listener.output().split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as string[]).filter(([first]) => first !== 'BARRIER=1');
    },
    stop: () => listener.stop(),
  };
}
