import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { peerProgram } from './peers.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';

export interface EnvoyOptions {
  /** Configuration and log. */
  readonly directory: string;
  /** The bootstrap, as an object or as YAML, without `admin`. Listeners may have port 0. */
  readonly config: object | string;
  /** For the log file. Default `envoy`. */
  readonly name?: string;
}

/** One certificate of Envoy's admin `/certs`. */
export interface EnvoyCertificate {
  readonly serial_number: string;
  readonly subject_alt_names?: readonly { readonly uri?: string; readonly dns?: string }[];
  readonly valid_from: string;
  readonly expiration_time: string;
}

export interface EnvoyCertificates {
  readonly certificates: readonly {
    readonly ca_cert?: readonly EnvoyCertificate[];
    readonly cert_chain?: readonly EnvoyCertificate[];
  }[];
}

export interface RunningEnvoy {
  readonly adminUrl: string;
  readonly process: RunningProcess;
  /** The counter or gauge with exactly this name; undefined while there is none. */
  stat(name: string): Promise<number | undefined>;
  /** All counters and gauges whose names match. */
  stats(filter: RegExp): Promise<ReadonlyMap<string, number>>;
  /** What it serves and trusts now. */
  certs(): Promise<EnvoyCertificates>;
  /** The TCP port that a listener got. */
  listenerPort(name: string): Promise<number>;
  /** Closes its listeners, and waits until all that they have accepted has ended. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one Envoy with one worker and its admin on a free port. Resolves when it is LIVE. */
export async function startEnvoy({ directory, config, name = 'envoy' }: EnvoyOptions): Promise<RunningEnvoy> {
  mkdirSync(directory, { recursive: true });
  const configFile = join(directory, `${name}.yaml`);
  writeFileSync(configFile, typeof config === 'string' ? config : JSON.stringify(config, undefined, 2));
  const admin = { admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } } };
  const adminFile = join(directory, `${name}.admin`);
  // Of one that ran before.
  rmSync(adminFile, { force: true });
  const adminUrl = () => `http://${readFileSync(adminFile, 'utf8').trim()}`;
  const running = await startProcess({
    name,
    command: peerProgram('envoy'),
    args: [
      ...['--config-path', configFile],
      ...['--config-yaml', JSON.stringify(admin)],
      ...['--admin-address-path', adminFile],
      ...['--concurrency', '1'],
      // Hot restart is what a base id is for; without it no shared memory is left behind by one that is killed.
      '--disable-hot-restart',
    ],
    directory,
    ready: async () => {
      const { status, body } = await requestJson<{ state: string }>(`${adminUrl()}/server_info`, { timeoutMs: 2_000 });
      return status === 200 && body.state === 'LIVE';
    },
  });
  return envoyAdmin(adminUrl(), running);
}

function envoyAdmin(adminUrl: string, running: RunningProcess): RunningEnvoy {
  const get = async <T>(path: string): Promise<T> => (await requestJson<T>(`${adminUrl}${path}`)).body;
  const stats = async (filter: RegExp) => {
    const path = `/stats?format=json&filter=${encodeURIComponent(filter.source)}`;
    const { stats: found } = await get<{ stats: { name?: string; value?: number }[] }>(path);
    return new Map(
      found.flatMap(({ name, value }) => (name !== undefined && value !== undefined ? [[name, value]] : [])),
    );
  };
  return {
    adminUrl,
    process: running,
    stats,
    stat: async (name) => (await stats(new RegExp(`^${name.replace(/[^\w-]/g, '\\$&')}$`))).get(name),
    certs: () => get<EnvoyCertificates>('/certs'),
    listenerPort: async (name) => {
      const { listener_statuses: listeners } = await get<ListenerStatuses>('/listeners?format=json');
      const port = listeners.find((listener) => listener.name === name)?.local_address.socket_address.port_value;
      if (port === undefined) throw new Error(`envoy has no listener ${name} with a port`);
      return port;
    },
    drain: async () => {
      const { status } = await requestJson(`${adminUrl}/drain_listeners`, { method: 'POST' });
      if (status !== 200) throw new Error(`envoy answered ${status} to /drain_listeners`);
      await eventually('envoy has ended what it accepted', async () => {
        const active = await stats(/^listener\..*\.downstream_cx_active$/);
        return [...active].every(([name, count]) => name.startsWith('listener.admin.') || count === 0);
      });
    },
    stop: async () => {
      await running.stop();
    },
  };
}

interface ListenerStatuses {
  readonly listener_statuses: readonly {
    readonly name: string;
    readonly local_address: { readonly socket_address: { readonly port_value?: number } };
  }[];
}
