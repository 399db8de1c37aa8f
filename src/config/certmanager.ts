import type { CertManagerConfig, IssuerRef } from '../issuer/certmanager/config.ts';
import { findKubernetesAccess } from '../kubernetes/access.ts';
import type { BackendContext } from './backends.ts';
import type { Place } from './place.ts';
import { type Read, readMapping } from './read.ts';
import { anything, isAbsent, isMapping, maybe, pattern, quote, suggest } from './schema.ts';
import { source, useSource } from './source.ts';

const DEFAULT_GROUP = 'cert-manager.io';
const KINDS = ['Issuer', 'ClusterIssuer'];

/** RFC 1123, section 2.1, as Kubernetes names its objects and API groups. */
const subdomain = (what: string) =>
  pattern(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, what);

const ISSUER_REF = {
  name: maybe(subdomain('the name of an issuer: a-z, 0-9, "-" and "."')),
  kind: maybe(pattern(/^[A-Z][A-Za-z0-9]{0,62}$/, 'a kind such as Issuer or ClusterIssuer')),
  group: maybe(subdomain(`an API group such as ${DEFAULT_GROUP}`)),
};

/** Reads the `conf` of a backend of type `certmanager`; undefined when a mistake was reported. */
export function readCertManager(conf: unknown, place: Place, context: BackendContext): CertManagerConfig | undefined {
  const { caCert, issuerRef: written } = readMapping({ issuerRef: anything, caCert: maybe(source) }, conf, place);
  const issuerRef = readIssuerRef(written, place.at('issuerRef'));
  if (isAbsent(conf) || (isMapping(conf) && isAbsent(conf.caCert))) warnOfUnknownCa(place, context);
  if (issuerRef === undefined || (caCert === undefined && isMapping(conf) && !isAbsent(conf.caCert))) return undefined;
  return {
    kind: 'certmanager',
    issuerRef,
    caCert: caCert && useSource(caCert, place.at('caCert'), context.currentDirectory),
    access: findKubernetesAccess(context.environment),
  };
}

function readIssuerRef(written: unknown, place: Place): IssuerRef | undefined {
  const hint = 'write it like {name: mesh-ca, kind: Issuer}';
  if (isAbsent(written)) {
    place.error('missing: expected the issuer of cert-manager', hint);
    return undefined;
  }
  const {
    name,
    kind = 'Issuer',
    group = DEFAULT_GROUP,
  }: Read<typeof ISSUER_REF> = readMapping(ISSUER_REF, written, place);
  if (!isMapping(written)) return undefined;
  if (isAbsent(written.name)) place.at('name').error('missing: expected the name of the issuer', hint);
  const isOwn = group === DEFAULT_GROUP;
  if (isOwn && !KINDS.includes(kind)) {
    const others = 'set group too, where the issuer is not one of cert-manager itself';
    place.at('kind').error(`expected ${KINDS.join(' or ')}, got ${quote(kind)}`, suggest(kind, KINDS) ?? others);
    return undefined;
  }
  return name === undefined ? undefined : { name, kind, group };
}

/** Without a certificate, nobody tells which CA it is. */
function warnOfUnknownCa(place: Place, { isSelected, isEnabled }: BackendContext): void {
  if (!isSelected || isEnabled) return;
  place
    .at('caCert')
    .warn('missing: the CA is in the trust bundle only while this backend is enabled', 'set it to the root of that CA');
}
