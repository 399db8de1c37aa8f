import { systemClock } from '../../src/clock.ts';
import { openDataSources } from '../../src/data-source.ts';
import type { IssuerContext } from '../../src/issuer/issuer.ts';
import { openRecordingLog } from './recording-log.ts';

/** What the agent gives an issuer, with the real clock and a log that a test reads. */
export function makeIssuerContext(
  options: Partial<IssuerContext> = {},
): IssuerContext & { readonly log: ReturnType<typeof openRecordingLog> } {
  return {
    backend: 'ca-1',
    mesh: 'default',
    trustDomain: 'default',
    requestTimeoutMs: 10_000,
    readSource: openDataSources('/nonexistent'),
    clock: systemClock,
    random: () => 0.5,
    observer: { stepTook() {}, clockSkewSeen() {}, credentialExpires() {} },
    ...options,
    log: openRecordingLog(),
  };
}
