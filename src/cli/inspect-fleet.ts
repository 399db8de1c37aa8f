import { stringify } from 'yaml';
import { systemClock } from '../clock.ts';
import { type Answer, askAgents } from '../fleet/ask-agents.ts';
import { type AgentState, judgeState, STATES, sortByRisk } from '../fleet/judge-state.ts';
import type { Edge, ExitCode } from './edge.ts';
import { findAdminAccess } from './find-admin-access.ts';
import type { InspectOptions } from './inspect.ts';
import { layOutTable } from './lay-out-table.ts';
import { type Colour, openPaint, type Paint } from './paint.ts';
import { describeInCells, STATUS_TITLES } from './status-table.ts';

export interface FleetOptions extends Pick<InspectOptions, 'output' | 'check'> {
  /** Undefined: all that there are. */
  readonly namespace?: string | undefined;
  /** Of pods. Undefined: those that were injected. */
  readonly selector?: string | undefined;
  /** Default: as kubectl finds it. */
  readonly kubeconfig?: string | undefined;
  /** For each agent, in milliseconds. */
  readonly timeout: number;
}

/** One agent, for people and programs; its field names are part of the contract with users. */
interface Listed extends Answer {
  readonly state: AgentState;
}

const COLOURS: Readonly<Record<AgentState, Colour>> = {
  expired: 'red',
  'not-ready': 'red',
  unknown: 'yellow',
  failing: 'yellow',
  ok: 'green',
};

/**
 * Rotation statistics of all agents of a cluster, what is at risk first.
 *
 * @returns 1 when `check` is given and not every agent is `ok`, or there is none.
 * @throws AgentError when the pods cannot be listed.
 */
export async function inspectFleet(options: FleetOptions, edge: Edge): Promise<ExitCode> {
  const { namespace, selector, kubeconfig, timeout: timeoutMs, output, check } = options;
  const access = findAdminAccess(kubeconfig, edge);
  const answers = await askAgents(
    { access, namespace, selector, timeoutMs },
    { clock: systemClock, random: edge.random },
  );
  const nowMs = systemClock.nowMs();
  const agents = sortByRisk(answers.map((answer) => ({ ...answer, state: judgeState(answer.status, nowMs) })));
  switch (output) {
    case 'table':
      if (agents.length > 0) edge.writeOut(renderFleet(agents, nowMs, openPaint(edge.isOutTerminal, edge)));
      edge.writeError(`${sumUp(agents, options)}\n`);
      break;
    case 'json':
      edge.writeOut(`${JSON.stringify(agents.map(toReport), undefined, 2)}\n`);
      break;
    case 'yaml':
      edge.writeOut(stringify(agents.map(toReport)));
      break;
    default:
      output satisfies never;
  }
  const isWell = agents.length > 0 && agents.every(({ state }) => state === 'ok');
  return check && !isWell ? 1 : 0;
}

/** The order in which it is read. */
function toReport({ namespace, pod, state, failure, status }: Listed): object {
  return { namespace, pod, state, ...(failure !== undefined && { failure }), ...(status !== undefined && { status }) };
}

function renderFleet(agents: readonly Listed[], nowMs: number, paint: Paint): string {
  const silent = STATUS_TITLES.map(() => '-');
  const rows = agents.map(({ namespace, pod, state, status, failure }) => {
    const cells = status === undefined ? [...silent.slice(0, -1), failure ?? '-'] : describeInCells(status, nowMs);
    return [namespace, pod, state.toUpperCase(), ...cells];
  });
  const stateOf = (row: number) => agents[row - 1]?.state;
  return layOutTable([['NAMESPACE', 'POD', 'STATE', ...STATUS_TITLES], ...rows], (cell, row, column) => {
    const state = stateOf(row);
    return column === 2 && state !== undefined ? paint(COLOURS[state], cell) : cell;
  });
}

/** Below a long table, as what is at risk may have left the screen. */
function sumUp(agents: readonly Listed[], { namespace, selector }: FleetOptions): string {
  if (agents.length === 0) {
    const where = namespace === undefined ? 'in any namespace' : `in the namespace "${namespace}"`;
    const which = selector === undefined ? 'was injected' : `that ${selector} selects has a container "meshcert"`;
    return `no pod ${where} ${which}`;
  }
  const counts = STATES.map((state) => [state, agents.filter((agent) => agent.state === state).length] as const);
  const parts = counts.filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`);
  return `${agents.length} ${agents.length === 1 ? 'agent' : 'agents'}: ${parts.join(', ')}`;
}
