/**
 * `/metrics`, `/healthz`, `/readyz`, `/status` and `/` over TCP: for Prometheus, probes, `inspect --kubernetes`, and a
 * person with a browser. Read-only.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import { AgentError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Health, renderHealth } from './health.ts';
import { type Answer, closeHttpServer, makeHttpServer, type Routes, startListening } from './http-server.ts';
import { METRICS_CONTENT_TYPE } from './metrics.ts';
import type { Observation } from './observation.ts';
import { renderStatusPage } from './status-page.ts';

/** What is shown. Without a status there is neither it nor a page for people: a signer has no certificate of its own. */
export type Observed = Pick<Observation, 'ready' | 'alive'> & {
  readonly metrics: Pick<Observation['metrics'], 'render'>;
  readonly status?: Observation['status'];
};

export interface TelemetryServer {
  /** `http://127.0.0.1:9902` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param listen port 0: any free one.
 * @throws AgentError `ERR_LISTEN`
 */
export async function openTelemetryServer(
  listen: { readonly host: string; readonly port: number },
  observation: Observed,
  log: Log,
): Promise<TelemetryServer> {
  const routes: Routes = {
    '/metrics': {
      GET: async () => ({ status: 200, type: METRICS_CONTENT_TYPE, body: await observation.metrics.render() }),
    },
    '/healthz': { GET: () => answerHealth(observation.alive()) },
    '/readyz': { GET: () => answerHealth(observation.ready()) },
    ...makeStatusRoute(observation.status),
  };
  const server = await makeHttpServer(routes, log);
  await startListening(server, { host: listen.host, port: listen.port }, log).catch((cause) => {
    throw explain(cause, listen);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () => closeHttpServer(server),
  };
}

function makeStatusRoute(status: Observed['status']): Routes {
  if (status === undefined) return {};
  return {
    '/status': { GET: () => ({ status: 200, type: 'application/json', body: `${JSON.stringify(status())}\n` }) },
    '/': { GET: () => ({ status: 200, type: 'text/html; charset=utf-8', body: renderStatusPage(status()) }) },
  };
}

function answerHealth(health: Health): Answer {
  return { status: health.ok ? 200 : 503, type: 'text/plain; charset=utf-8', body: renderHealth(health) };
}

function explain(cause: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): AgentError {
  const fail = (why: string, remedy: string) =>
    new AgentError('ERR_LISTEN', `cannot serve telemetry on ${host}:${port}: ${why}`, { remedy, cause });
  switch (cause.code) {
    case 'EADDRINUSE':
      return fail('the port is in use', `set telemetry.address to a free one, or end its user (ss -ltnp shows it)`);
    case 'EACCES':
      return fail('permission denied', 'set telemetry.address to a port of 1024 or above');
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fail('this machine has no such address', 'set telemetry.address to 127.0.0.1 or an address it has');
    default:
      return fail(cause.code ?? cause.message, 'set telemetry.address to another one');
  }
}
