import { statusError } from '../../grpc/status.ts';
import { type DiscoveryRequest, type DiscoveryResponse, SECRET_TYPE } from './messages.ts';
import type { Secrets } from './secrets.ts';
import { checkNames, checkType, WILDCARD } from './subscription.ts';

/**
 * FetchSecrets: all that is asked for in one answer, or none.
 *
 * @throws StatusError `UNAVAILABLE` while there is no identity, so that the client tries again; `NOT_FOUND`.
 */
export function fetchSecrets(request: DiscoveryRequest, secrets: Secrets | undefined): DiscoveryResponse {
  checkType(request.typeUrl);
  const names = checkNames(new Set(request.resourceNames));
  if (secrets === undefined || secrets.wildcardNames.length === 0) {
    throw statusError('unavailable', 'there is no certificate in service');
  }
  const isWildcard = names.size === 0 || names.has(WILDCARD);
  const found = [...(isWildcard ? secrets.wildcardNames : names)].map((name) => {
    const secret = secrets.find(name);
    if (secret === undefined) throw statusError('notFound', 'one of the resource names is unknown');
    return secret.resource;
  });
  return { versionInfo: secrets.version, resources: found, typeUrl: SECRET_TYPE, nonce: '' };
}
