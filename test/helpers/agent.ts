import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Status } from '../../src/observe/status.ts';
import { askSocket } from './ask-socket.ts';
import { eventually } from './eventually.ts';
import { type Exit, plainEnvironment, type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { uniqueName } from './unique-name.ts';

/** Names another `main.js` than that in dist, such as a copy that no build replaces. */
const PROGRAM_VARIABLE = 'MESHCERT_TEST_PROGRAM';

/** The built program; it is run by its first line. */
export function builtProgram(): string {
  const path = process.env[PROGRAM_VARIABLE] ?? resolve(import.meta.dirname, '../../dist/main.js');
  if (!existsSync(path)) throw new Error(`${path} is not built; run: node scripts/build.mjs`);
  return path;
}

export interface AgentOptions {
  /** The working folder: configuration, log, socket and, unless said otherwise, the identity. A short path: sockets. */
  readonly directory: string;
  /** The Mesh document. The Agent document is made here. */
  readonly mesh: string;
  /** Its name. Default `default`. */
  readonly meshName?: string;
  /** Default `web`. */
  readonly service?: string;
  /** Further lines of the Agent document. Default: none. */
  readonly agentLines?: string;
  /** Where the files are delivered to. Default `<directory>/identity`. */
  readonly identity?: string;
  /** YAML of what stands under `deliver`, on one line, instead of files in `identity`. */
  readonly deliver?: string;
  /** Further options of `run`: `--once`. */
  readonly options?: readonly string[];
  /** What the program is started with: `setpriv ...`, `node --import ...`. */
  readonly startedBy?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One line of the agent's log. */
export interface LogLine {
  readonly time: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface RunningAgent {
  readonly pid: number;
  /** The folder that readers of certificates know. */
  readonly identity: string;
  readonly configFile: string;
  readonly socket: string;
  /** All that it wrote so far. */
  output(): string;
  /** Its log so far; what is no line of the log is left out. */
  log(): LogLine[];
  /** `/readyz`, `/healthz`, `/` or `/metrics`. */
  probe(path: string): Promise<{ readonly status: number; readonly text: string }>;
  /** Resolves when `/readyz` says so. Default limit: 20 s. */
  waitReady(timeoutMs?: number): Promise<void>;
  status(): Promise<Status>;
  /** Samples by name and labels as they stand in the text: `meshcert_ca_connected{backend="vault-1"}`. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  /** Asks for a rotation over the admin socket, and waits until it is delivered or has failed. */
  rotate(): Promise<{ readonly status: number | undefined; readonly text: string }>;
  /** SIGHUP. */
  hup(): void;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  stop(): Promise<Exit>;
}

/** Starts the built agent as a process. Resolves when it has been started, not when it is ready. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { directory, options: runOptions = [], startedBy = [], env } = options;
  const { configFile, identity, socket } = writeConfiguration(options);
  const [command = '', ...args] = [...startedBy, builtProgram(), 'run', '-c', configFile, ...runOptions];
  const running = await startProcess({
    name: uniqueName('agent'),
    command,
    args,
    directory,
    env: { ...plainEnvironment(directory), ...env },
  });
  return control(running, { configFile, identity, socket });
}

/**
 * Writes `<directory>/meshcert.yaml` for {@link startAgent}, for commands that only need the file.
 *
 * @returns the absolute paths in it.
 */
export function writeConfiguration(options: AgentOptions): AgentPaths {
  const { directory, mesh, service = 'web', agentLines = '', identity } = options;
  mkdirSync(directory, { recursive: true });
  const configFile = join(directory, 'meshcert.yaml');
  const paths = {
    configFile,
    identity: identity ?? join(directory, 'identity'),
    socket: join(directory, 'admin.sock'),
  };
  const agent = `type: Agent
mesh: ${options.meshName ?? 'default'}
service: ${service}
deliver: ${options.deliver ?? `{files: [{directory: ${paths.identity}}]}`}
telemetry: {address: "127.0.0.1:0"}
admin: {socket: ${paths.socket}}
${agentLines}
`;
  writeFileSync(configFile, `${mesh.trim()}\n---\n${agent}`);
  return paths;
}

export interface AgentPaths {
  readonly configFile: string;
  readonly identity: string;
  readonly socket: string;
}

function control(running: RunningProcess, paths: AgentPaths): RunningAgent {
  const { socket } = paths;
  const log = () => parseLog(running.output());
  const ended = new AbortController();
  const telemetry = () =>
    eventually(
      'the agent says where it answers',
      () => log().find(({ event }) => event === 'answering')?.telemetry as string | undefined,
      { signal: ended.signal },
    );
  const probe = async (path: string) => {
    const { status, body } = await requestJson<{ text: string }>(`${await telemetry()}${path}`, { timeoutMs: 5_000 });
    return { status, text: body.text };
  };
  return {
    ...paths,
    pid: running.pid,
    output: running.output,
    log,
    probe,
    waitReady: async (timeoutMs = 20_000) => {
      let last = '';
      const isReady = async () => {
        const { status, text } = await probe('/readyz');
        last = text;
        return status === 200;
      };
      await eventually('the agent is ready', isReady, { timeoutMs, everyMs: 10 }).catch((error: Error) => {
        throw new Error(`${error.message}\n${last}\n${running.output()}`);
      });
    },
    status: async () => JSON.parse((await askSocket(socket, 'GET', '/status')).text) as Status,
    metrics: async () => parseMetrics((await probe('/metrics')).text),
    rotate: () => askSocket(socket, 'POST', '/rotate'),
    hup: () => running.kill('SIGHUP'),
    kill: running.kill,
    get exited() {
      return running.exited;
    },
    stop: async () => {
      ended.abort(new Error('the agent was stopped'));
      return running.stop();
    },
  };
}

function parseLog(output: string): LogLine[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine);
}

function parseMetrics(text: string): ReadonlyMap<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}
