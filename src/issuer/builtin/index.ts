import { type CaMaterial, readCaMaterial } from '../../ca/ca-material.ts';
import { openCaMaker, readOrMakeCa } from '../../ca/kept-ca.ts';
import { AgentError } from '../../errors.ts';
import type { Issuer, IssuerContext } from '../issuer.ts';
import { nameCa, openLocalIssuer } from '../local-ca.ts';
import { openCaFiles } from './ca-files.ts';
import type { BuiltinConfig } from './config.ts';

/** Opens the CA that an agent keeps for itself; it is made when it is first asked for something. */
export function openBuiltin(config: BuiltinConfig, context: IssuerContext): Issuer {
  const { directory, rsaBits, caTtlSeconds } = config;
  const { clock, log, backend, mesh, trustDomain } = context;
  const what = nameCa(backend);
  const files = openCaFiles(directory);
  const remedy = `bring it back, or move its two files in ${directory} away: then a new CA is made, which every peer has to trust`;
  let knownUntilMs = 0;

  const maker = openCaMaker({
    mesh,
    backend,
    trustDomain,
    rsaBits,
    caTtlSeconds,
    nowMs: () => clock.nowMs(),
    made: () => log.info('CA made', { backend, directory }),
  });

  async function read(): Promise<CaMaterial> {
    const isKnown = clock.nowMs() < knownUntilMs;
    const { certificatePem, privateKeyPem } = await readOrMakeCa(files, { mesh, backend }, isKnown ? undefined : maker);
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
