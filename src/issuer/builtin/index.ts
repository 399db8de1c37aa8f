import { type CaMaterial, readCaKey, readCaMaterial } from '../../ca/ca-material.ts';
import { AgentError } from '../../errors.ts';
import { derToPem } from '../../identity/pem.ts';
import type { Issuer, IssuerContext } from '../issuer.ts';
import { nameCa, openLocalIssuer } from '../local-ca.ts';
import { type CaMaker, readOrMakeCa } from './ca-files.ts';
import type { BuiltinConfig } from './config.ts';

/** Opens the CA that an agent keeps for itself; it is made when it is first asked for something. */
export function openBuiltin(config: BuiltinConfig, context: IssuerContext): Issuer {
  const { directory, rsaBits, caTtlSeconds } = config;
  const { clock, log, backend, mesh, trustDomain } = context;
  const what = nameCa(backend);
  const remedy = `bring it back, or move its two files in ${directory} away: then a new CA is made, which every peer has to trust`;
  let knownUntilMs = 0;

  const maker: CaMaker = {
    async makeKey() {
      const { makeCaKey } = await import('../../ca/make-ca.ts');
      return makeCaKey(rsaBits === undefined ? 'ec-p256' : `rsa-${rsaBits}`);
    },
    async makeCertificate(keyPem) {
      const { makeCaCertificate } = await import('../../ca/make-ca.ts');
      const privateKey = readCaKey(keyPem, `the key of ${what}`);
      const name = `${mesh} ${backend}`;
      const nowMs = clock.nowMs();
      const { der } = await makeCaCertificate({ privateKey, name, trustDomain, ttlSeconds: caTtlSeconds, nowMs });
      log.info('CA made', { backend, directory });
      return derToPem('CERTIFICATE', der);
    },
  };

  async function read(): Promise<CaMaterial> {
    const isKnown = clock.nowMs() < knownUntilMs;
    const { certificatePem, privateKeyPem } = await readOrMakeCa(directory, mesh, backend, isKnown ? undefined : maker);
    const material = explain(() => readCaMaterial(certificatePem, privateKeyPem, what));
    knownUntilMs = material.chain[0].x509.validToDate.getTime();
    return material;
  }

  function explain<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      const { code, message, detail = 'malformed' } = AgentError.from(thrown);
      throw new AgentError(code, message, { remedy, detail, cause: thrown });
    }
  }

  return openLocalIssuer({ read, readChain: async () => (await read()).chain, remedy }, context);
}
