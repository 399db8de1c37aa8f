import { type Clock, sleepUntil } from '../clock.ts';
import type { IdentitySink, IdentitySource } from '../identity/identity.ts';
import type { Log } from '../log.ts';

/**
 * Takes an identity out of service at the moment it expires, also while an attempt to replace it hangs: an expired
 * certificate is served to nobody. Ends when the signal is aborted.
 */
export async function watchExpiry(
  identities: IdentitySource & IdentitySink,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  let superseded = new AbortController();
  for await (const generation of identities.changes(signal)) {
    superseded.abort();
    if (generation === undefined) continue;
    superseded = new AbortController();
    const either = AbortSignal.any([signal, superseded.signal]);
    void sleepUntil(clock, generation.notAfter.getTime(), either).then(() => {
      if (either.aborted || identities.current() !== generation) return;
      identities.withdraw();
      log.error('certificate expired', {
        generation: generation.number,
        notAfter: generation.notAfter.toISOString(),
        remedy: 'see the errors before this line; it is served no more, and the agent goes on trying',
      });
    });
  }
}
