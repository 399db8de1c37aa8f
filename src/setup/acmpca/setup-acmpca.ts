/**
 * What AWS needs when the CA is one of AWS Private CA, done over its APIs. Brings packages of AWS with it, so it comes by
 * `import()`.
 *
 * @module
 */
import { AgentError } from '../../errors.ts';
import { applySteps } from '../apply-steps.ts';
import type { Done, SetupStep } from '../step.ts';
import { type AdminPorts, type AwsAdmin, openAwsAdmin } from './aws-admin.ts';
import type { Iam } from './iam.ts';
import { renderPolicy } from './policy.ts';
import { attachStep, policyStep } from './rights.ts';
import { settleCa } from './settle-ca.ts';
import { namePolicy, type SetupChoices, type SetupSubject } from './subject.ts';

export interface ApplyPorts extends AdminPorts {
  /** Gets each result as soon as it is known. */
  readonly tell: (done: Done) => void;
}

/**
 * Looks at the CA, or makes it; makes the policy of the agents, and attaches it to their role. A second run changes nothing.
 * What is there and differs stays, unless `force` is given. A missing right is told, and the rest is done as far as it goes.
 *
 * @returns what is left for a person to do, a line each, and whether all is as wanted now.
 * @throws AgentError of the first failure that is no missing right.
 */
export async function applySetup(
  subject: SetupSubject,
  choices: SetupChoices & { readonly force: boolean },
  ports: ApplyPorts,
): Promise<{ readonly hints: readonly string[]; readonly isComplete: boolean }> {
  const admin = await openAwsAdmin(subject.acmpca, ports);
  try {
    const ca = await lookAtCa(subject, choices, admin, ports);
    if (ca.arn === undefined) return { hints: [], isComplete: false };
    const { role } = choices;
    const name = namePolicy(subject);
    const arn = `arn:${subject.acmpca.partition}:iam::${admin.account}:policy/${name}`;
    const policy = { name, arn, document: renderPolicy({ ...subject.acmpca, arn: ca.arn }) };
    const steps = [policyStep(policy), ...(role === undefined ? [] : [attachStep(policy, role)])];
    const results = [ca.done.result];
    for (const step of steps) results.push((await applyAsAllowed(step, choices.force, admin.iam, ports)).result);
    const hints =
      role === undefined ? [`give it to the IAM role of the agents: run this with --role NAME, or attach ${arn}`] : [];
    return {
      hints,
      isComplete: results.every((result) => result === 'made' || result === 'changed' || result === 'unchanged'),
    };
  } finally {
    admin.close();
  }
}

async function lookAtCa(
  subject: SetupSubject,
  { makesCa }: SetupChoices,
  admin: AwsAdmin,
  { clock, tell }: ApplyPorts,
) {
  const { arn } = subject.acmpca;
  const settled = await settleCa(subject, makesCa, admin.cas, clock.nowMs()).catch((thrown: unknown) => ({
    done: toDenied(`CA ${arn}`, thrown),
    // Which one it is to be is not known then.
    arn: makesCa ? undefined : arn,
  }));
  tell(settled.done);
  return settled;
}

async function applyAsAllowed(step: SetupStep<Iam>, force: boolean, iam: Iam, { tell }: ApplyPorts): Promise<Done> {
  try {
    const [done] = await applySteps([step], iam, { force, tell });
    return done as Done;
  } catch (thrown) {
    const done = toDenied(step.what, thrown);
    tell(done);
    return done;
  }
}

function toDenied(what: string, thrown: unknown): Done {
  const error = AgentError.from(thrown);
  if (error.code !== 'ERR_CA_DENIED') throw thrown;
  return { what, result: 'denied', notes: [error.line] };
}
