import type { KubernetesConfig } from '../issuer/kubernetes/config.ts';
import { findKubernetesAccess } from '../kubernetes/access.ts';
import type { BackendContext } from './backends.ts';
import type { Place } from './place.ts';
import { readMapping } from './read.ts';
import { isAbsent, isMapping, maybe, pattern } from './schema.ts';
import { source, useSource } from './source.ts';

const HINT = 'write it like example.com/mesh-ca';

/** As the API server has it: a host's name of at least two parts, and a path. */
const signerName = pattern(
  /^(?=.{1,571}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
  'the name of a signer',
  HINT,
);

const CONF = { signerName: maybe(signerName), caCert: maybe(source) };

/** Reads the `conf` of a backend of type `kubernetes`; undefined when a mistake was reported. */
export function readKubernetes(conf: unknown, place: Place, context: BackendContext): KubernetesConfig | undefined {
  const { signerName, caCert } = readMapping(CONF, conf, place);
  const raw = conf ?? {};
  if (!isMapping(raw)) return undefined;
  if (isAbsent(raw.signerName)) place.at('signerName').error('missing: expected the name of a signer', HINT);
  const isFaulty = caCert === undefined && !isAbsent(raw.caCert);
  if (signerName === undefined || isFaulty) return undefined;
  return {
    kind: 'kubernetes',
    signerName,
    trust:
      caCert === undefined
        ? { kind: 'clusterTrustBundles' }
        : { kind: 'source', source: useSource(caCert, place.at('caCert'), context.currentDirectory) },
    access: findKubernetesAccess(context.environment),
  };
}
