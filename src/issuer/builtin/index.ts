import { AgentError } from '../../errors.ts';
import type { Issued, IssueRequest, Issuer, IssuerContext } from '../issuer.ts';
import { readOrMakeCa } from './ca-files.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import type { BuiltinConfig } from './config.ts';

/** Opens the CA that an agent keeps for itself; it is made at the first `issue`. */
export function openBuiltin(config: BuiltinConfig, context: IssuerContext): Issuer {
  const { clock, log, backend, mesh } = context;
  let authority: Promise<CertificateAuthority> | undefined;
  let saidShortened = false;

  const open = async (trustDomain: string): Promise<CertificateAuthority> => {
    // Loaded here: only a process that is a CA itself pays for the X.509 library.
    const { makeCaMaker, loadCertificateAuthority } = await import('./certificate-authority.ts');
    const maker = makeCaMaker({ ...config, name: `${mesh} ${backend}`, trustDomain, nowMs: clock.nowMs() });
    const pair = await readOrMakeCa(config.directory, mesh, backend, maker);
    return loadCertificateAuthority(pair);
  };

  return {
    async issue(request: IssueRequest): Promise<Issued> {
      authority ??= open(request.spiffeId.trustDomain);
      const ca = await authority.catch((thrown: unknown) => {
        authority = undefined;
        throw thrown;
      });
      const startMs = clock.monotonicMs();
      const nowMs = clock.nowMs();
      if (nowMs >= ca.notAfter.getTime()) {
        throw new AgentError(
          'ERR_CA_REFUSED',
          `the CA of backend "${backend}" expired at ${ca.notAfter.toISOString()}`,
          {
            remedy: `move its files in ${config.directory} away, and a new one is made`,
          },
        );
      }
      const wantedMs = nowMs + request.ttlSeconds * 1000;
      if (wantedMs > ca.notAfter.getTime() && !saidShortened) {
        saidShortened = true;
        log.warn('certificates end with their CA', { backend, caNotAfter: ca.notAfter.toISOString() });
      }
      const notAfter = new Date(Math.min(wantedMs, ca.notAfter.getTime()));
      const leaf = await ca.sign(await request.makeCsr(), request.spiffeId.toString(), nowMs, notAfter);
      context.observer.stepTook('sign', (clock.monotonicMs() - startMs) / 1000);
      return { chain: [leaf], roots: [ca.certificate] };
    },
    async close() {},
  };
}
