import { openDataSources } from '../../src/data-source.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { openBuiltin } from '../../src/issuer/builtin/index.ts';
import { FakeClock } from './fake-clock.ts';
import { openRecordingLog } from './recording-log.ts';

/** The real builtin issuer on a held clock. */
export function openTestBuiltin(
  directory: string,
  options: { rsaBits?: number; backend?: string; caTtlSeconds?: number } = {},
) {
  const clock = new FakeClock(`${new Date().toISOString().slice(0, 19)}Z`);
  const log = openRecordingLog();
  const issuer = openBuiltin(
    { kind: 'builtin', directory, rsaBits: options.rsaBits, caTtlSeconds: options.caTtlSeconds ?? 86_400 },
    {
      backend: options.backend ?? 'ca-1',
      mesh: 'default',
      trustDomain: 'default',
      requestTimeoutMs: 10_000,
      readSource: openDataSources('/nonexistent'),
      clock,
      random: () => 0.5,
      log,
      observer: { stepTook() {}, clockSkewSeen() {}, credentialExpires() {} },
    },
  );
  return { issuer, clock, log, spiffeId: new SpiffeId('default', '/web') };
}
