import type { Edge } from '../../src/cli/edge.ts';

/** The edge of a process that a test reads: nothing of the real one gets in. */
export function openFakeEdge(options: Partial<Edge> = {}) {
  let out = '';
  let error = '';
  const edge: Edge = {
    environment: {},
    currentDirectory: '/nowhere',
    hostName: 'host',
    isTerminal: false,
    isOutTerminal: false,
    countColumns: () => 80,
    writeOut: (text) => {
      out += text;
    },
    writeError: (text) => {
      error += text;
    },
    random: () => 0.5,
    readUsage: () => ({ cpuSeconds: 0, residentBytes: 0 }),
    nodeVersion: 'v24.0.0',
    pid: 1,
    uid: 1000,
    sendSignal: () => {},
    onSignal: () => {},
    ...options,
  };
  return { edge, out: () => out, error: () => error };
}
