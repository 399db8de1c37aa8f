/**
 * What the CA side needs when the CA is Vault: printed as a script, or done over the API.
 *
 * @module
 */
import type { ReadDataSource } from '../../data-source.ts';
import { AgentError } from '../../errors.ts';
import { parseServiceAccountToken } from '../../issuer/vault/service-account-token.ts';
import { applySteps } from '../apply-steps.ts';
import type { Done } from '../step.ts';
import type { GivenFile, Login } from './auth.ts';
import type { CaOrigin } from './ca.ts';
import { planSetup, type SetupPlan, type SetupSubject } from './plan.ts';
import { renderScript } from './script.ts';
import { type AdminAccess, type AdminPorts, openVaultAdmin } from './vault-admin.ts';

export interface SetupVaultOptions {
  /** The CA is to be an intermediate, signed elsewhere unless `rootMount` is given. */
  readonly intermediate?: boolean | undefined;
  /** The PKI engine of the same Vault whose CA signs the intermediate. */
  readonly rootMount?: string | undefined;
  readonly onlyThisService?: boolean | undefined;
  readonly grantIssue?: boolean | undefined;
  /** `NAMESPACE/NAME`. Default: that in the token which the Mesh names, where it can be read. */
  readonly serviceAccount?: string | undefined;
  readonly kubernetesHost?: string | undefined;
  /** Paths of files. */
  readonly kubernetesCa?: string | undefined;
  readonly reviewerToken?: string | undefined;
  readonly force?: boolean | undefined;
}

/** @returns the script. @throws AgentError `ERR_CONFIG`, `ERR_SOURCE` */
export async function printSetup(
  subject: SetupSubject,
  options: SetupVaultOptions,
  { address, namespace }: Pick<AdminAccess, 'address' | 'namespace'>,
  readSource: ReadDataSource,
): Promise<string> {
  const plan = await makePlan(subject, options, readSource);
  const { spiffeId } = subject;
  return renderScript(plan, { subject: spiffeId.toString(), address, namespace, force: options.force === true });
}

/**
 * @param tell gets each result as soon as it is known.
 * @returns what is left for a person to do, a line each, and whether all is as wanted now.
 * @throws AgentError
 */
export async function applySetup(
  subject: SetupSubject,
  options: SetupVaultOptions,
  access: AdminAccess,
  ports: AdminPorts & { readonly tell: (done: Done) => void },
): Promise<{ readonly hints: readonly string[]; readonly isComplete: boolean }> {
  const { steps, hints } = await makePlan(subject, options, ports.readSource);
  const admin = await openVaultAdmin(access, ports);
  try {
    const done = await applySteps(steps, admin, { force: options.force === true, tell: ports.tell });
    return { hints, isComplete: done.every(({ result }) => result !== 'differs' && result !== 'waits') };
  } finally {
    admin.close();
  }
}

async function makePlan(
  subject: SetupSubject,
  options: SetupVaultOptions,
  readSource: ReadDataSource,
): Promise<SetupPlan> {
  const readGiven = async (path: string | undefined): Promise<GivenFile | undefined> =>
    path === undefined ? undefined : { path, text: await readSource({ kind: 'file', path }) };
  const login: Login = {
    serviceAccount: await findServiceAccount(subject, options.serviceAccount, readSource),
    kubernetesHost: options.kubernetesHost,
    kubernetesCa: await readGiven(options.kubernetesCa),
    reviewerToken: await readGiven(options.reviewerToken),
  };
  return planSetup(subject, {
    ca: chooseCa(options),
    onlyThisService: options.onlyThisService === true,
    grantIssue: options.grantIssue === true,
    login,
  });
}

function chooseCa({ intermediate, rootMount }: SetupVaultOptions): CaOrigin {
  if (rootMount !== undefined) return { kind: 'signed here', rootMount };
  return intermediate ? { kind: 'signed elsewhere' } : { kind: 'root' };
}

/** The one that is named; else the one of the token that the agent would log in with, if it is here. */
async function findServiceAccount(
  { vault: { auth } }: SetupSubject,
  named: string | undefined,
  readSource: ReadDataSource,
): Promise<Login['serviceAccount']> {
  if (auth.method !== 'kubernetes') return undefined;
  const owner = named ?? (await readOwner(auth.tokenPath, readSource));
  const [, namespace, name] = /^([a-z0-9.-]+)\/([a-z0-9.-]+)$/.exec(owner ?? '') ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  if (named === undefined) return undefined;
  throw new AgentError('ERR_CONFIG', `"${named}" names no service account`, { remedy: 'write it like shop/web' });
}

async function readOwner(path: string, readSource: ReadDataSource): Promise<string | undefined> {
  try {
    return parseServiceAccountToken(await readSource({ kind: 'file', path }), path).owner;
  } catch {
    // It need not be on the administrator's machine.
    return undefined;
  }
}
