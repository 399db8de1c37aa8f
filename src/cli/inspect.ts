import { stringify } from 'yaml';
import { systemClock } from '../clock.ts';
import type { Status } from '../observe/status.ts';
import { askAgent } from './admin-client.ts';
import type { Edge, ExitCode } from './edge.ts';
import { type AdminTarget, findAdminSocket } from './find-admin-socket.ts';
import { renderTable } from './status-table.ts';

export interface InspectOptions extends AdminTarget {
  readonly output: 'table' | 'json' | 'yaml';
}

/**
 * Rotation statistics of the running agent.
 *
 * @throws AgentError `ERR_AGENT`, `ERR_CONFIG`
 */
export async function inspect(options: InspectOptions, edge: Edge): Promise<ExitCode> {
  const status = (await askAgent(await findAdminSocket(options, edge), 'GET', '/status')) as Status;
  edge.writeOut(render(status, options.output));
  return 0;
}

function render(status: Status, output: InspectOptions['output']): string {
  switch (output) {
    case 'table':
      return renderTable([status], systemClock.nowMs());
    case 'json':
      return `${JSON.stringify(status, undefined, 2)}\n`;
    case 'yaml':
      return stringify(status);
    default:
      return output satisfies never;
  }
}
