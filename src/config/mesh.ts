import { type AgentContext, BACKEND_TYPE_NAMES, type BackendContext, backendType, readConf } from './backends.ts';
import type { Backend } from './config.ts';
import type { Document } from './documents.ts';
import { type Findings, Place } from './place.ts';
import { readMapping, readValue } from './read.ts';
import {
  anything,
  choice,
  duration,
  expected,
  flag,
  isAbsent,
  isMapping,
  keys,
  maybe,
  pattern,
  quote,
  suggest,
  text,
} from './schema.ts';

const THIRTY_DAYS_SECONDS = 30 * 86_400;

/** Generous for a CA, and short enough to try again several times in the life of the shortest certificates. */
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;

/** Names of meshes and backends become parts of file names, of mount points and of trust domains. */
export const meshName = pattern(/^(?!\.{1,2}$)[a-z0-9._-]{1,253}$/, 'a name of a-z, 0-9, ".", "-" and "_"');
const backendName = pattern(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,253}$/, 'a name of letters, digits, ".", "-" and "_"');

const MTLS = { enabledBackend: maybe(text), backends: anything, skipValidation: maybe(flag) };

const BACKEND = {
  name: maybe(backendName),
  type: maybe(backendType),
  mode: maybe(choice(['STRICT', 'PERMISSIVE'])),
  dpCert: maybe(keys({ rotation: maybe(keys({ expiration: maybe(duration) })), requestTimeout: maybe(duration) })),
  rootChain: maybe(keys({ requestTimeout: maybe(duration) })),
  conf: anything,
};

/** One Mesh document whose backends were not read yet. */
export interface Mesh {
  /** Undefined: it has none, which was reported. */
  readonly name: string | undefined;
  readonly place: Place;
  readonly mtls: unknown;
  readonly mtlsPlace: Place;
}

export interface Mtls {
  /** Undefined: mTLS is off, or a mistake was reported. */
  readonly backend: Backend | undefined;
  /** Those that could be read and that this version has an issuer for. */
  readonly backends: readonly Backend[];
  readonly supportedBackends: readonly string[];
}

/** Takes a Mesh in the Universal form (`type: Mesh`) or that of Kubernetes (`kind: Mesh`, `metadata`, `spec`). */
export function openMesh(document: Document, findings: Findings): Mesh {
  const place = new Place(document, findings);
  const value = isMapping(document.value) ? document.value : {};
  const isUniversal = 'type' in value;
  const namePlace = isUniversal ? place.at('name') : place.at('metadata', 'name');
  const specPlace = isUniversal ? place : place.at('spec');
  const holder = isUniversal ? value : value.metadata;
  const spec = (isUniversal ? value : value.spec) ?? {};
  const rawName = isMapping(holder) ? holder.name : undefined;
  if (isAbsent(rawName)) namePlace.error('missing: expected the name of the mesh');
  if (!isMapping(spec)) specPlace.error(expected('a mapping', spec));
  else warnOfMisspeltMtls(spec, specPlace);
  return {
    name: readValue(maybe(meshName), rawName, namePlace),
    place,
    mtls: isMapping(spec) ? spec.mtls : undefined,
    mtlsPlace: specPlace.at('mtls'),
  };
}

/** All that stands beside `mtls` passes unread; only what surely was to be `mtls` is worth a word. */
function warnOfMisspeltMtls(spec: Record<string, unknown>, place: Place): void {
  if ('mtls' in spec) return;
  for (const key of Object.keys(spec)) {
    if (/^(mtls|mtsl|mlts|tmls|mtl|mtlss|mutualtls|tls)$/i.test(key))
      place.at(key).warn('not read', 'did you mean "mtls"?');
  }
}

/**
 * Reads `mtls`, reporting every mistake in every backend.
 *
 * @param isSelected false for a Mesh beside the one in use: what it enables concerns others.
 */
export function readMtls({ name, mtls, mtlsPlace }: Mesh, isSelected: boolean, agent: AgentContext): Mtls {
  const { backends, ...given } = readMapping(MTLS, mtls, mtlsPlace);
  const chosen = isSelected ? agent.chosen : undefined;
  const enabledBackend = chosen?.name ?? given.enabledBackend;
  const listPlace = mtlsPlace.at('backends');
  const rawBackends = backends ?? [];
  if (!Array.isArray(rawBackends)) {
    listPlace.error(expected('a list of backends', rawBackends));
    return { backend: undefined, backends: [], supportedBackends: [] };
  }
  const read = rawBackends.map((raw: unknown, index) => {
    const isEnabled = isSelected && enabledBackend !== undefined && isMapping(raw) && raw.name === enabledBackend;
    return readBackend(raw, listPlace.at(index), { ...agent, mesh: name ?? 'default', isSelected, isEnabled });
  });
  const all = read.map((one) => one.name);
  all.forEach((one, index) => {
    if (one !== undefined && all.indexOf(one) !== index) {
      listPlace.at(index, 'name').error(`the name ${quote(one)} is taken by another backend`);
    }
  });
  const names = [...new Set(all)].filter((one) => one !== undefined);
  const usable = read.map((one) => one.backend).filter((one) => one !== undefined);
  if (enabledBackend === undefined) return { backend: undefined, backends: usable, supportedBackends: names };

  if (!names.includes(enabledBackend)) {
    const known = names.length === 0 ? 'there is none' : names.join(', ');
    const place = chosen?.name === undefined ? mtlsPlace.at('enabledBackend') : chosen.place;
    place.error(
      `expected the name of a backend (${known}), got ${quote(enabledBackend)}`,
      suggest(enabledBackend, names),
    );
  }
  const backend = usable.find((one) => one.name === enabledBackend);
  return { backend, backends: usable, supportedBackends: names };
}

function readBackend(
  raw: unknown,
  place: Place,
  context: BackendContext,
): { name: string | undefined; backend: Backend | undefined } {
  if (!isMapping(raw)) {
    place.error(expected('a backend (name, type, conf)', raw));
    return { name: undefined, backend: undefined };
  }
  const read = readMapping(BACKEND, raw, place);
  for (const key of ['name', 'type'] as const) {
    if (isAbsent(raw[key]))
      place.at(key).error(`missing: expected ${key === 'name' ? 'a name' : BACKEND_TYPE_NAMES.join(', ')}`);
  }
  const ttlMs = read.dpCert?.rotation?.expiration;
  if (ttlMs !== undefined && ttlMs < 1000) {
    place.at('dpCert', 'rotation', 'expiration').error('expected at least a second');
  }
  const ttlSeconds = ttlMs === undefined ? THIRTY_DAYS_SECONDS : Math.floor(ttlMs / 1000);
  const issuer = read.type && readConf(read.type, read.conf, place, context);
  if (read.name === undefined || issuer === undefined) return { name: read.name, backend: undefined };
  const backend: Backend = {
    name: read.name,
    mode: read.mode ?? 'STRICT',
    ttlSeconds: (context.isSelected ? context.chosen.ttlSeconds : undefined) ?? ttlSeconds,
    requestTimeoutMs: read.dpCert?.requestTimeout ?? chooseRequestTimeoutMs(issuer),
    issuer,
  };
  return { name: read.name, backend };
}

/** Vault's own clients have a variable for it. */
function chooseRequestTimeoutMs(issuer: Backend['issuer']): number {
  return (issuer.kind === 'vault' ? issuer.transport?.requestTimeoutMs : undefined) ?? DEFAULT_REQUEST_TIMEOUT_MS;
}

/** The one backend of an agent that was given no Mesh: the embedded CA. */
export function makeDefaultBackend(issuer: Backend['issuer']): Backend {
  return {
    name: 'builtin',
    mode: 'STRICT',
    ttlSeconds: THIRTY_DAYS_SECONDS,
    requestTimeoutMs: DEFAULT_REQUEST_TIMEOUT_MS,
    issuer,
  };
}
