import { type SpawnOptions, spawn } from 'node:child_process';
import type { SendMessage } from './tell-systemd.ts';

/** systemd-notify waits up to 5 s until systemd has taken the message. */
const LIMIT_MS = 10_000;

/**
 * Sends by `systemd-notify`, which comes with systemd. Node has no datagram sockets of the Unix kind, and an addon in C would cost
 * every platform its build. A message costs 7 ms of processor time, nine tenths of it that program's: nothing beside the minutes
 * between two.
 *
 * systemd takes messages of a child only with `NotifyAccess=all`. The child gets of the environment what it needs, and that is
 * no secret.
 */
export function openSendMessage(
  environment: Readonly<Record<string, string | undefined>>,
  { program = 'systemd-notify' }: { readonly program?: string } = {},
): SendMessage {
  const { NOTIFY_SOCKET, PATH } = environment;
  const options: SpawnOptions = {
    env: { NOTIFY_SOCKET, PATH },
    stdio: 'ignore',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  };
  return (assignments) =>
    new Promise((resolve) => {
      const child = spawn(program, assignments, options);
      child.once('error', ({ code }: NodeJS.ErrnoException) =>
        resolve(`${program} cannot be started (${code}); it is a part of systemd, or set Type=exec in the unit`),
      );
      child.once('exit', (code, by) =>
        resolve(
          code === 0 ? undefined : `${program} ended with ${by ?? `exit code ${code}`}; is $NOTIFY_SOCKET there?`,
        ),
      );
    });
}
