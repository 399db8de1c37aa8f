import { certify } from '../ca/certificate-authority.ts';
import { makeCaCertificate } from '../ca/make-ca.ts';
import { makeCsr } from '../identity/csr.ts';
import { makePrivateKey } from '../identity/key-pair.ts';
import { derToPem } from '../identity/pem.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';

/** A certificate for serving and the CA that clients know it by; PEM. */
export interface ServingPair {
  readonly certificate: string;
  /** PKCS#8. */
  readonly key: string;
  readonly ca: string;
}

/** No mesh's: nobody but the API server looks at these certificates, and it looks at the host. */
const TRUST_DOMAIN = 'meshcert-webhook';

/**
 * A certificate under a CA of its own, whose key is forgotten at once: nobody can ever sign another one with it.
 *
 * @param hosts names and IP addresses that clients look for; not empty.
 */
export async function makePair({
  hosts,
  ttlSeconds,
  nowMs,
}: {
  readonly hosts: readonly string[];
  readonly ttlSeconds: number;
  readonly nowMs: number;
}): Promise<ServingPair> {
  const [caKey, key] = await Promise.all([makePrivateKey('ec-p256'), makePrivateKey('ec-p256')]);
  // Clients tell CAs apart by their names.
  const name = `webhook ${new Date(nowMs).toISOString()}`;
  const ca = await makeCaCertificate({ privateKey: caKey, name, trustDomain: TRUST_DOMAIN, ttlSeconds, nowMs });
  const spiffeId = new SpiffeId(TRUST_DOMAIN, '/webhook');
  const request = { csr: makeCsr(spiffeId, key), spiffeId: spiffeId.toString(), hosts, ttlSeconds };
  const { chain } = await certify({ chain: [ca], privateKey: caKey }, request, nowMs);
  return {
    certificate: derToPem('CERTIFICATE', chain[0]),
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    ca: derToPem('CERTIFICATE', ca.der),
  };
}
