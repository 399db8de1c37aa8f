import type { Config } from '../../../src/config/config.ts';
import { type LoadInput, loadConfig } from '../../../src/config/load.ts';
import { formatProblem } from '../../../src/config/problem.ts';

/** Loads one text as the file `mesh.yaml`, in the directory /srv of the host `web-0`; problems as people see them. */
export function loadText(text: string, more: Partial<LoadInput> = {}): { config: Config | undefined; lines: string[] } {
  const { config, problems } = loadConfig({
    sources: [{ file: 'mesh.yaml', text }],
    environment: {},
    hostName: 'web-0',
    currentDirectory: '/srv',
    ...more,
  });
  return { config, lines: problems.map(formatProblem) };
}

/** The same, for a text without mistakes or warnings. */
export function loadGood(text: string, more: Partial<LoadInput> = {}): Config {
  const { config, lines } = loadText(text, more);
  if (config === undefined || lines.length > 0) throw new Error(`does not load cleanly:\n${lines.join('\n')}`);
  return config;
}

/** A Mesh with one backend of type vault whose `fromCp` ends with these lines. */
export function meshWithVault(...fromCp: string[]): string {
  return [
    'type: Mesh',
    'name: default',
    'mtls:',
    '  enabledBackend: vault-1',
    '  backends:',
    '  - name: vault-1',
    '    type: vault',
    '    conf:',
    '      fromCp:',
    ...fromCp.map((line) => `        ${line}`),
    '',
  ].join('\n');
}

export const ADDRESS = 'address: https://vault.example:8200';
export const TOKEN = 'auth: {token: {secret: token-1}}';

/** A Mesh whose backend is the embedded CA. */
export const BUILTIN_MESH = `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: builtin}
`;

/** An Agent document alone, beside a Mesh of one builtin backend; its own first line is line 1. */
export function loadAgent(text: string, more: Partial<LoadInput> = {}): ReturnType<typeof loadText> {
  const sources = [
    { file: 'agent.yaml', text },
    { file: 'mesh.yaml', text: BUILTIN_MESH },
  ];
  return loadText('', { sources, ...more });
}
