import { randomBytes } from 'node:crypto';
import { systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { AgentError } from '../errors.ts';
import { findKubernetesAccess } from '../kubernetes/access.ts';
import { IDENTITY_TEMPLATE } from '../kubernetes/mesh-signer.ts';
import type { Log } from '../log.ts';
import type { SettingsInput } from '../signer/settings.ts';
import type { Signer } from '../signer/signer.ts';
import { openReadRecord } from '../watch/read-record.ts';
import type { Edge, ExitCode } from './edge.ts';
import { followConfiguration } from './follow-configuration.ts';
import { type LogChoice, openCommandLog } from './open-command-log.ts';
import { openSources } from './open-sources.ts';
import { readConfig } from './read-config.ts';
import { version } from './version.ts';

export interface SignerOptions extends LogChoice {
  readonly files: readonly string[];
  /** Default: the mesh's name. */
  readonly trustDomain?: string;
  /** A template. */
  readonly spiffeId: string;
  /** Empty: all. */
  readonly allowedNamespaces: readonly string[];
  /** Default: the one that it runs in. */
  readonly namespace?: string;
  readonly telemetry: { readonly host: string; readonly port: number };
  readonly secretsDir: string;
}

export const SIGNER_DEFAULTS = {
  spiffeId: IDENTITY_TEMPLATE,
  // A replica's health is asked from outside of its pod.
  telemetry: { host: '0.0.0.0', port: 9902 },
} as const;

/** The signer: until a signal ends it. */
export async function runSigner(options: SignerOptions, edge: Edge): Promise<ExitCode> {
  const clock = systemClock;
  const log = openCommandLog(options, edge, clock);
  const { digests, remember } = openReadRecord();
  const { config, problems } = await readConfig(options.files, edge, remember);
  for (const problem of problems) {
    if (problem.severity === 'warning') log.warn(formatProblem(problem));
    else edge.writeError(`${formatProblem(problem)}\n`);
  }
  if (config === undefined) return 2;
  const [{ openSigner }, { makeSettings }, { openSignerObservation }, { openKubernetes }, { LEASE_CALL_LIMIT_MS }] =
    await Promise.all([
      import('../signer/signer.ts'),
      import('../signer/settings.ts'),
      import('../signer/observation.ts'),
      import('../kubernetes/kubernetes.ts'),
      import('../signer/lead.ts'),
    ]);
  const settings = makeSettings(toInput(config, options));
  const { random } = edge;
  const access = findKubernetesAccess(edge.environment);
  const kubernetes = await openKubernetes({ access }, { clock, random });
  const leaseKubernetes = await openKubernetes({ access, limitMs: LEASE_CALL_LIMIT_MS }, { clock, random });
  const backends = settings.backends.map(({ name }) => name);
  const observation = openSignerObservation({ backends, version, nodeVersion: edge.nodeVersion }, clock);
  const readSource = openSources(options.secretsDir, edge, remember);
  const home = {
    namespace: options.namespace ?? kubernetes.namespace,
    identity: `${edge.hostName}_${randomBytes(4).toString('hex')}`,
  };
  const signer = openSigner(settings, home, {
    kubernetes,
    leaseKubernetes,
    readSource,
    clock,
    random,
    log,
    observation,
  });
  const stop = new AbortController();
  edge.onSignal('SIGTERM', () => stop.abort());
  edge.onSignal('SIGINT', () => stop.abort());
  const { openTelemetryServer } = await import('../observe/telemetry-server.ts');
  const telemetry = await openTelemetryServer(options.telemetry, observation, log);
  log.info('answering', { telemetry: telemetry.url, mesh: settings.mesh, namespace: home.namespace });
  const follower = {
    reconfigure: async (next: Config) => reconfigure(signer, () => makeSettings(toInput(next, options)), log),
    sourcesChanged: signer.sourcesChanged,
  };
  const followed = { files: options.files, lastRead: digests() };
  await Promise.all([
    signer.run(stop.signal),
    followConfiguration(follower, followed, { edge, clock, log }, stop.signal),
  ]);
  await telemetry.close();
  kubernetes.close();
  leaseKubernetes.close();
  log.info('stopped');
  return 0;
}

function toInput(config: Config, { trustDomain, spiffeId, allowedNamespaces }: SignerOptions): SettingsInput {
  const { mesh, backend } = config;
  const backends = config.backends.flatMap(({ name, ttlSeconds, issuer }) =>
    issuer.kind === 'builtin' || issuer.kind === 'provided' ? [{ name, ttlSeconds, ca: issuer }] : [],
  );
  const enabledBackend = backends.find(({ name }) => name === backend?.name)?.name;
  const domain = trustDomain ?? mesh;
  return { mesh, trustDomain: domain, template: spiffeId, allowedNamespaces, backends, enabledBackend };
}

/** What cannot be used is told, and the settings of before stay. */
function reconfigure(signer: Signer, make: () => Parameters<Signer['reconfigure']>[0], log: Log): void {
  try {
    signer.reconfigure(make());
    log.info('configuration changed');
  } catch (thrown) {
    const { message, remedy } = AgentError.from(thrown);
    log.error(`the changed configuration is refused, the running one stays: ${message}`, { remedy });
  }
}
