import type { Status } from '../observe/status.ts';
import { askAgent } from './admin-client.ts';
import type { Edge, ExitCode } from './edge.ts';
import { type AdminTarget, findAdminSocket } from './find-admin-socket.ts';

/**
 * Rotates now, and says when the new generation is in every delivery.
 *
 * @throws AgentError why it could not be issued or delivered; `ERR_AGENT`, `ERR_CONFIG`
 */
export async function rotate(options: AdminTarget, edge: Edge): Promise<ExitCode> {
  const socket = await findAdminSocket(options, edge);
  const { generation, status } = (await askAgent(socket, 'POST', '/rotate')) as { generation: number; status: Status };
  const { certificate } = status;
  const details = certificate && `, serial ${certificate.serialNumber}, valid until ${certificate.notAfter}`;
  edge.writeOut(`generation ${generation} is delivered${details ?? ''}\n`);
  return 0;
}
