import { systemClock } from '../../src/clock.ts';
import { AgentError } from '../../src/errors.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { CertManagerConfig } from '../../src/issuer/certmanager/config.ts';
import { openCertManager } from '../../src/issuer/certmanager/index.ts';
import type { IssuerContext } from '../../src/issuer/issuer.ts';
import { issueIdentity } from '../../src/rotation/issue-identity.ts';
import { makeIssuerContext } from './issuer-context.ts';

/** The issuer as the agent opens it, asked and judged as the agent does. */
export function openCertManagerIssuer(config: CertManagerConfig, options: Partial<IssuerContext> = {}) {
  const context = makeIssuerContext(options);
  const issuer = openCertManager(config, context);
  const request = { spiffeId: new SpiffeId('default', '/web'), keyType: 'ec-p256', mayChangeKeyType: true } as const;
  const issue = (signal = new AbortController().signal, ttlSeconds = 3600) =>
    issueIdentity({ ...request, ttlSeconds }, { issuer, clock: systemClock }, signal);
  return {
    issuer,
    log: context.log,
    issue,
    /** Issues in vain. */
    async fail(signal?: AbortSignal): Promise<AgentError> {
      const thrown: unknown = await issue(signal).catch((error: unknown) => error);
      if (thrown instanceof AgentError) return thrown;
      throw new Error('issue did not fail with an AgentError', { cause: thrown });
    },
  };
}
