import { systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { AgentError } from '../errors.ts';
import type { SetupSubject } from '../setup/certmanager/manifests.ts';
import type { Applied } from '../setup/certmanager/setup-certmanager.ts';
import type { Edge, ExitCode } from './edge.ts';
import { findAdminAccess } from './find-admin-access.ts';
import { parseServiceAccount } from './parse-service-account.ts';
import { readConfig } from './read-config.ts';

export interface SetupCertManagerOptions {
  readonly files: readonly string[];
  /** Do it, instead of printing it. */
  readonly apply?: boolean | undefined;
  /** Change what another manager has set to something else. */
  readonly force?: boolean | undefined;
  /** `NAMESPACE/NAME`, of the agent. */
  readonly serviceAccount: string;
  /** Also a CA, and the issuer that signs with it. */
  readonly issuer?: boolean | undefined;
  readonly certManagerNamespace: string;
  /** Of the administrator. Default: KUBECONFIG, else `~/.kube/config`, else the pod's service account. */
  readonly kubeconfig?: string | undefined;
}

/**
 * What a cluster needs: as YAML on stdout, or applied.
 *
 * @returns 1 when something is there that differs.
 * @throws AgentError
 */
export async function setupCertManager(options: SetupCertManagerOptions, edge: Edge): Promise<ExitCode> {
  const { config, problems } = await readConfig(options.files, edge);
  for (const problem of problems) edge.writeError(`${formatProblem(problem)}\n`);
  if (config === undefined) return 2;
  const subject = findSubject(config);
  const choices = {
    serviceAccount: parseServiceAccount(options.serviceAccount),
    makesIssuer: options.issuer === true,
    certManagerNamespace: options.certManagerNamespace,
  };
  const { printManifests, applyManifests } = await import('../setup/certmanager/setup-certmanager.ts');
  if (!options.apply) {
    edge.writeOut(await printManifests(subject, choices));
    return 0;
  }
  const isComplete = await applyManifests(
    subject,
    { ...choices, force: options.force === true },
    findAdminAccess(options.kubeconfig, edge),
    { clock: systemClock, random: edge.random, tell: (applied) => edge.writeOut(renderApplied(applied)) },
  );
  return isComplete ? 0 : 1;
}

/** The enabled backend or, to get ready for it, the first one that there is. */
function findSubject({ backend, backends, mesh, spiffeId }: Config): SetupSubject {
  for (const { issuer, ttlSeconds } of [...(backend === undefined ? [] : [backend]), ...backends]) {
    if (issuer.kind !== 'certmanager') continue;
    const { trustDomain } = spiffeId;
    return { certmanager: issuer, mesh, trustDomain, spiffeId: spiffeId.toString(), ttlSeconds };
  }
  throw new AgentError('ERR_CONFIG', `the Mesh "${mesh}" has no backend of the type certmanager`, {
    remedy: 'add one to mtls.backends',
  });
}

const RESULTS: Readonly<Record<Applied['result'], string>> = {
  made: 'made',
  changed: 'changed',
  unchanged: 'as it was',
  differs: 'DIFFERS',
};

function renderApplied({ what, result, note }: Applied): string {
  const line = `${RESULTS[result].padEnd(9)}  ${what}\n`;
  return note === undefined ? line : `${line}           ${note}\n`;
}
