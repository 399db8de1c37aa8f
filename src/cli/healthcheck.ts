import type { Status } from '../observe/status.ts';
import { askAgent } from './admin-client.ts';
import type { Edge, ExitCode } from './edge.ts';
import { type AdminTarget, findAdminSocket } from './find-admin-socket.ts';

/**
 * Whether the running agent is ready: the exec probe of an image without a shell.
 *
 * @returns 0 when it is ready, else 1 and the reasons.
 * @throws AgentError `ERR_AGENT`, `ERR_CONFIG`
 */
export async function healthcheck(options: AdminTarget, edge: Edge): Promise<ExitCode> {
  const status = (await askAgent(await findAdminSocket(options, edge), 'GET', '/status')) as Status;
  if (status.ready) {
    edge.writeOut('ready\n');
    return 0;
  }
  edge.writeError(`not ready: ${status.notReady.join('; ')}\n`);
  return 1;
}
