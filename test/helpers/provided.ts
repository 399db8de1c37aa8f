import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDataSources } from '../../src/data-source.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { IssuerContext } from '../../src/issuer/issuer.ts';
import { openProvided } from '../../src/issuer/provided/index.ts';
import { issueIdentity } from '../../src/rotation/issue-identity.ts';
import { FakeClock } from './fake-clock.ts';
import { makeIssuerContext } from './issuer-context.ts';

/** The real issuer of a provided CA on a held clock, which reads the files `cert` and `key` of a directory. */
export function openTestProvided(directory: string, now: string, context: Partial<IssuerContext> = {}) {
  const clock = new FakeClock(now);
  const { log, ...rest } = makeIssuerContext({ clock, readSource: openDataSources(directory), ...context });
  const source = (name: string) => ({ kind: 'secret', name }) as const;
  const issuer = openProvided({ kind: 'provided', cert: source('cert'), key: source('key') }, { log, ...rest });
  const spiffeId = new SpiffeId('default', '/web');
  mkdirSync(directory, { recursive: true });
  return {
    issuer,
    clock,
    log,
    /** Undefined: takes the file away. */
    write(name: 'cert' | 'key', text: string | undefined): void {
      if (text === undefined) rmSync(join(directory, name));
      else writeFileSync(join(directory, name), text);
    },
    /** As the agent does it, verification included. */
    async issue(ttlSeconds = 3600) {
      const wanted = { spiffeId, keyType: 'ec-p256', mayChangeKeyType: false, ttlSeconds } as const;
      return (await issueIdentity(wanted, { issuer, clock }, new AbortController().signal)).identity;
    },
  };
}
