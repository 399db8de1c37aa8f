import { type CaMaterial, readCaMaterial } from '../ca/ca-material.ts';
import { type CaMaker, openCaMaker, readOrMakeCa } from '../ca/kept-ca.ts';
import type { Clock } from '../clock.ts';
import type { ReadDataSource } from '../data-source.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import type { Log } from '../log.ts';
import { openCaSecrets } from './ca-secrets.ts';
import type { SigningBackend } from './settings.ts';

export interface ReadCaPorts {
  readonly kubernetes: Kubernetes;
  readonly readSource: ReadDataSource;
  readonly clock: Clock;
  readonly log: Log;
}

export interface CaHome {
  readonly mesh: string;
  readonly trustDomain: string;
  /** Where the Secrets of builtin CAs are. */
  readonly namespace: string;
}

/**
 * Reads the CA of a backend as it is now; it is checked afterwards. A builtin one that there never was is made.
 *
 * @param isInUse whether this process has read it before: then it is not made anew.
 * @throws AgentError
 */
export async function readCa(
  { name: backend, ca }: SigningBackend,
  { mesh, trustDomain, namespace }: CaHome,
  isInUse: boolean,
  { kubernetes, readSource, clock, log }: ReadCaPorts,
  signal: AbortSignal,
): Promise<CaMaterial> {
  const what = `the CA of backend "${backend}"`;
  if (ca.kind === 'provided') {
    const certificatePem = await readSource(ca.cert);
    return readCaMaterial(certificatePem, ca.key && (await readSource(ca.key)), what);
  }
  const maker: CaMaker = openCaMaker({
    mesh,
    backend,
    trustDomain,
    rsaBits: ca.rsaBits,
    caTtlSeconds: ca.caTtlSeconds,
    nowMs: () => clock.nowMs(),
    made: () => log.info('CA made', { backend, namespace }),
  });
  const keeper = openCaSecrets(kubernetes, namespace, signal);
  const pair = await readOrMakeCa(keeper, { mesh, backend }, isInUse ? undefined : maker);
  return readCaMaterial(pair.certificatePem, pair.privateKeyPem, what);
}
