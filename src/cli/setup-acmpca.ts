import { systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { AgentError } from '../errors.ts';
import type { SetupChoices, SetupSubject } from '../setup/acmpca/subject.ts';
import type { Edge, ExitCode } from './edge.ts';
import { readConfig } from './read-config.ts';
import { renderDone } from './render-done.ts';

export interface SetupAcmPcaOptions {
  readonly files: readonly string[];
  /** Also the commands that make a CA. */
  readonly newCa?: boolean | undefined;
  /** Name of the agents' IAM role. */
  readonly role?: string | undefined;
  /** The policy alone, as JSON. */
  readonly policyOnly?: boolean | undefined;
  /** Do it, instead of printing it. */
  readonly apply?: boolean | undefined;
  /** Change what is there and differs. */
  readonly force?: boolean | undefined;
}

const LEFT = 'left as it is; a policy is changed with --force';

/**
 * What AWS needs: as a script on stdout, or done.
 *
 * @returns 1 when something is there that differs, or waits for a person.
 * @throws AgentError
 */
export async function setupAcmPca(options: SetupAcmPcaOptions, edge: Edge): Promise<ExitCode> {
  const { config, problems } = await readConfig(options.files, edge);
  for (const problem of problems) edge.writeError(`${formatProblem(problem)}\n`);
  if (config === undefined) return 2;
  const subject = findSubject(config);
  const { role } = options;
  if (role !== undefined && !/^[\w+=,.@-]{1,64}$/.test(role)) {
    throw new AgentError('ERR_CONFIG', `"${role}" is no name of an IAM role`, { remedy: 'give its name, not its ARN' });
  }
  const choices = { makesCa: options.newCa === true, role };
  if (options.apply) return apply(subject, { ...choices, force: options.force === true }, edge);
  const [{ renderSetup }, { renderPolicy }] = await Promise.all([
    import('../setup/acmpca/render-setup.ts'),
    import('../setup/acmpca/policy.ts'),
  ]);
  const isPolicyOnly = options.policyOnly === true;
  edge.writeOut(isPolicyOnly ? `${renderPolicy(subject.acmpca)}\n` : renderSetup(subject, choices));
  return 0;
}

async function apply(
  subject: SetupSubject,
  choices: SetupChoices & { readonly force: boolean },
  edge: Edge,
): Promise<ExitCode> {
  const { applySetup } = await import('../setup/acmpca/setup-acmpca.ts');
  const { hints, isComplete } = await applySetup(subject, choices, {
    clock: systemClock,
    environment: edge.environment,
    tell: (done) => edge.writeOut(renderDone(done, LEFT)),
  });
  for (const hint of hints) edge.writeOut(`${hint}\n`);
  return isComplete ? 0 : 1;
}

/** The enabled backend or, to get ready for it, the first one that there is. */
function findSubject({ backend, backends, mesh, spiffeId }: Config): SetupSubject {
  for (const { issuer, ttlSeconds } of [...(backend === undefined ? [] : [backend]), ...backends]) {
    if (issuer.kind === 'acmpca') return { acmpca: issuer, mesh, spiffeId: spiffeId.toString(), ttlSeconds };
  }
  throw new AgentError('ERR_CONFIG', `the Mesh "${mesh}" has no backend of the type acmpca`, {
    remedy: 'add one to mtls.backends',
  });
}
