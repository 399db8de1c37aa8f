import { stringify } from 'yaml';
import { systemClock } from '../clock.ts';
import { judgeState } from '../fleet/judge-state.ts';
import type { Status } from '../observe/status.ts';
import { askAgent } from './admin-client.ts';
import type { Edge, ExitCode } from './edge.ts';
import { type AdminTarget, findAdminSocket } from './find-admin-socket.ts';
import { renderTable } from './status-table.ts';

export interface InspectOptions extends AdminTarget {
  readonly output: 'table' | 'json' | 'yaml';
  /** Tell by the exit code whether all is well. */
  readonly check?: boolean | undefined;
}

/**
 * Rotation statistics of the running agent.
 *
 * @returns 1 when `check` is given and its certificate, or the next one, is in doubt.
 * @throws AgentError `ERR_AGENT`, `ERR_CONFIG`
 */
export async function inspect(options: InspectOptions, edge: Edge): Promise<ExitCode> {
  const status = (await askAgent(await findAdminSocket(options, edge), 'GET', '/status')) as Status;
  const nowMs = systemClock.nowMs();
  edge.writeOut(render(status, options.output, nowMs));
  return options.check && judgeState(status, nowMs) !== 'ok' ? 1 : 0;
}

function render(status: Status, output: InspectOptions['output'], nowMs: number): string {
  switch (output) {
    case 'table':
      return renderTable([status], nowMs);
    case 'json':
      return `${JSON.stringify(status, undefined, 2)}\n`;
    case 'yaml':
      return stringify(status);
    default:
      return output satisfies never;
  }
}
