import { stringify } from 'yaml';
import { type InspectSubject, listInspectManifests } from '../setup/setup-inspect.ts';
import type { Edge, ExitCode } from './edge.ts';
import { parseServiceAccount } from './parse-service-account.ts';

export interface SetupInspectOptions {
  readonly namespace?: string | undefined;
  /** `NAMESPACE/NAME` */
  readonly serviceAccount?: readonly string[] | undefined;
  readonly user?: readonly string[] | undefined;
  readonly group?: readonly string[] | undefined;
}

/**
 * Prints, for `kubectl apply`, what lets somebody run `inspect --kubernetes`.
 *
 * @throws AgentError `ERR_CONFIG`
 */
export function setupInspect(
  { namespace, serviceAccount = [], user = [], group = [] }: SetupInspectOptions,
  edge: Pick<Edge, 'writeOut'>,
): ExitCode {
  const subjects: InspectSubject[] = [
    ...serviceAccount.map((text) => ({ kind: 'ServiceAccount', ...parseServiceAccount(text) }) as const),
    ...user.map((name) => ({ kind: 'User', name }) as const),
    ...group.map((name) => ({ kind: 'Group', name }) as const),
  ];
  const where = namespace === undefined ? 'of every namespace' : `of the namespace "${namespace}"`;
  edge.writeOut(`# What meshcert inspect --kubernetes needs for the pods ${where}: to list them, and to read from them by
# HTTP GET through the API server. That reaches every port of these pods, so bind it to people who may see them all.
${listInspectManifests({ namespace, subjects })
  .map((one) => stringify(one))
  .join('---\n')}`);
  return 0;
}
