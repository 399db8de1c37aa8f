import { readCaChain, readCaMaterial } from '../../ca/ca-material.ts';
import type { Issuer, IssuerContext } from '../issuer.ts';
import { nameCa, openLocalIssuer } from '../local-ca.ts';
import type { ProvidedConfig } from './config.ts';

/** Opens a CA that the user brings. Its sources are read for each certificate; the key only to sign. */
export function openProvided({ cert, key }: ProvidedConfig, { readSource, ...context }: IssuerContext): Issuer {
  const what = nameCa(context.backend);
  return openLocalIssuer(
    {
      async read() {
        const certificatePem = await readSource(cert);
        return readCaMaterial(certificatePem, key && (await readSource(key)), what);
      },
      async readChain() {
        return readCaChain(await readSource(cert), `the certificate of ${what}`);
      },
      remedy: 'see each rule: meshcert ca check CERT KEY',
    },
    { readSource, ...context },
  );
}
