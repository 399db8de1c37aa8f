import { once } from 'node:events';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../log.ts';
import type { AdminActions } from '../observe/admin-server.ts';
import type { Observation } from '../observe/observation.ts';

/** Answers on the telemetry listener and the admin socket until the signal is aborted. */
export async function answer(
  { telemetry: address, admin: { socket } }: Pick<Config, 'telemetry' | 'admin'>,
  actions: AdminActions,
  { observation, clock, log }: { readonly observation: Observation; readonly clock: Clock; readonly log: Log },
  answering: () => void,
  signal: AbortSignal,
): Promise<void> {
  const [{ openTelemetryServer }, { openAdminServer }] = await Promise.all([
    import('../observe/telemetry-server.ts'),
    import('../observe/admin-server.ts'),
  ]);
  const telemetry = await openTelemetryServer(address, observation, log);
  const admin = await openAdminServer(socket, actions, { clock, log }).catch(async (thrown: unknown) => {
    await telemetry.close();
    throw thrown;
  });
  log.info('answering', { telemetry: telemetry.url, admin: socket });
  answering();
  if (!signal.aborted) await once(signal, 'abort');
  await Promise.all([telemetry.close(), admin.close()]);
}
