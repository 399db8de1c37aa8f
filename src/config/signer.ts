import { findKubernetesAccess } from '../kubernetes/access.ts';
import { SIGNER_NAMESPACE, signerNameOf, trustConfigMapOf, trustKeyOf } from '../kubernetes/mesh-signer.ts';
import type { Backend } from './config.ts';
import type { Mtls } from './mesh.ts';
import type { Place } from './place.ts';
import { type Read, readMapping } from './read.ts';
import { isAbsent, maybe, pattern } from './schema.ts';

/** What an Agent document says of the signer. */
export interface SignerChoice {
  readonly place: Place;
  /** That the signer lives in. Default `meshcert-system`. */
  readonly namespace: string;
}

const SIGNER = { namespace: maybe(pattern(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'the name of a namespace')) };

/** Reads `signer`; undefined when there is none. `{}` takes the defaults. */
export function readSignerChoice(value: unknown, place: Place): SignerChoice | undefined {
  if (isAbsent(value)) return undefined;
  const { namespace = SIGNER_NAMESPACE }: Read<typeof SIGNER> = readMapping(SIGNER, value, place);
  return { place, namespace };
}

/** The backends as an agent uses them that leaves the keys of CAs to the signer: `builtin` and `provided` are asked there. */
export function askSigner(
  mtls: Mtls,
  mesh: string,
  { namespace, place }: SignerChoice,
  environment: Readonly<Record<string, string | undefined>>,
): Mtls {
  const access = findKubernetesAccess(environment);
  const backends = mtls.backends.map((backend): Backend => {
    if (backend.issuer.kind !== 'builtin' && backend.issuer.kind !== 'provided') return backend;
    const { name } = backend;
    const trust = { kind: 'configMap', namespace, name: trustConfigMapOf(mesh), key: trustKeyOf(name) } as const;
    return { ...backend, issuer: { kind: 'kubernetes', signerName: signerNameOf(mesh), backend: name, trust, access } };
  });
  if (!backends.some((backend) => backend.issuer.kind === 'kubernetes' && backend.issuer.backend !== undefined)) {
    place.warn('nobody asks the signer: the Mesh has no backend of type builtin or provided', 'leave it out');
  }
  return { ...mtls, backends, backend: backends.find(({ name }) => name === mtls.backend?.name) };
}
