import type { Document } from './documents.ts';
import { findNearest } from './nearest.ts';
import { type Findings, Place } from './place.ts';
import { isMapping, quote, suggest } from './schema.ts';

/** Types of Universal documents of Kuma and Kong Mesh beside those named `Mesh...`; they stand in files with a Mesh. */
const OTHERS = new Set([
  ...['AccessAudit', 'AccessRole', 'AccessRoleBinding', 'CircuitBreaker', 'ContainerPatch', 'Dataplane'],
  ...['ExternalService', 'FaultInjection', 'GlobalSecret', 'HealthCheck', 'HostnameGenerator', 'OPAPolicy'],
  ...['ProxyTemplate', 'RateLimit', 'Retry', 'Secret', 'Timeout', 'TrafficLog', 'TrafficPermission', 'TrafficRoute'],
  ...['TrafficTrace', 'VirtualOutbound', 'Workload', 'Zone', 'ZoneEgress', 'ZoneIngress'],
]);

const OURS = ['Mesh', 'Agent'];

export interface Sorted {
  readonly meshes: readonly Document[];
  readonly agents: readonly Document[];
}

/**
 * Tells documents apart: Universal ones have a `type`, those of Kubernetes `apiVersion` and `kind`. Other documents of
 * Kuma or Kubernetes are passed over, with one warning per file that names them; what is none of these is a mistake.
 */
export function sortDocuments(documents: readonly Document[], findings: Findings): Sorted {
  const meshes: Document[] = [];
  const agents: Document[] = [];
  const passedOver = new Map<string, { first: Place; kinds: Set<string> }>();
  for (const document of documents) {
    const place = new Place(document, findings);
    const kind = recognise(document.value, place);
    if (kind === 'Mesh') meshes.push(document);
    else if (kind === 'Agent') agents.push(document);
    else if (kind !== undefined) {
      const entry = passedOver.get(document.file) ?? { first: place, kinds: new Set() };
      passedOver.set(document.file, entry);
      entry.kinds.add(kind);
    }
  }
  for (const { first, kinds } of passedOver.values()) {
    first.warn(`only Mesh and Agent documents are read here; passed over: ${[...kinds].join(', ')}`);
  }
  return { meshes, agents };
}

/** Undefined: a mistake, which was reported. */
function recognise(value: unknown, place: Place): string | undefined {
  const write = 'write "type: Mesh" or "type: Agent"';
  if (!isMapping(value)) {
    place.error('expected a Mesh or an Agent document', write);
    return undefined;
  }
  const { type, kind, apiVersion } = value;
  if (typeof type === 'string') {
    if (OURS.includes(type) || OTHERS.has(type) || /^Mesh[A-Z][A-Za-z]*$/.test(type)) return type;
    sayUnknown(type, place.at('type'));
    return undefined;
  }
  if (type !== undefined || kind === undefined) {
    place.at('type').error('missing: expected the type of this document', write);
    return undefined;
  }
  return recogniseKubernetes(String(kind), String(apiVersion ?? ''), place);
}

function recogniseKubernetes(kind: string, apiVersion: string, place: Place): string | undefined {
  const isOfKuma = apiVersion.startsWith('kuma.io/');
  if (kind === 'Mesh' && isOfKuma) return kind;
  if (kind === 'Mesh' || apiVersion === '') {
    place.at('apiVersion').error('expected kuma.io/v1alpha1 with "kind: Mesh"');
  } else if (kind === 'Agent') {
    place.at('kind').error('expected an Agent in its own form', 'write "type: Agent" instead of apiVersion and kind');
  } else if (kind === 'List') {
    place.at('kind').error('a List is not read', 'give its items as documents of their own');
  } else if (isOfKuma && findNearest(kind, OURS) !== undefined && kind.length < 7) {
    sayUnknown(kind, place.at('kind'));
  } else {
    return kind.slice(0, 60);
  }
  return undefined;
}

function sayUnknown(name: string, place: Place): void {
  place.error(`expected ${OURS.join(' or ')}, got ${quote(name)}`, suggest(name, OURS));
}
