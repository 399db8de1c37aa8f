import * as v from 'valibot';
import { KEY_TYPES } from '../identity/key-pair.ts';
import type { Config } from './config.ts';
import { readDeliver } from './deliver/deliver.ts';
import { meshName } from './mesh.ts';
import type { Place } from './place.ts';
import { readMapping } from './read.ts';
import {
  anything,
  asksForSomething,
  choice,
  convert,
  duration,
  expected,
  fail,
  flag,
  isMapping,
  list,
  maybe,
  path,
  pattern,
  quote,
  text,
} from './schema.ts';
import { readSignerChoice, type SignerChoice } from './signer.ts';
import { resolveSocketPath } from './socket-path.ts';

/** The share of the lifetime by which a rotation may be late. */
const MAX_JITTER_RATIO = 0.02;

const DEFAULT_STANDBY_RATIO = 0.5;

const spiffePattern = pattern(
  /^spiffe:\/\/[a-z0-9._-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)*(\/(?!\.{1,2}$)[A-Za-z0-9._-]+|\/\*)$/,
  'a SPIFFE ID, exact or ending in "/*"',
  'write it like spiffe://default/web or spiffe://default/batch/*',
);

const trustDomain = pattern(/^[a-z0-9._-]{1,255}$/, 'a trust domain of a-z, 0-9, ".", "-" and "_"');

const tags = v.pipe(
  v.custom<Record<string, unknown>>(isMapping, ({ input }) => expected('a mapping of names to text', input)),
  v.record(v.string(), text),
);

const percent = convert((input) => {
  const hint = 'write it like 2%';
  if (typeof input !== 'string') return fail(expected('a share in percent', input), hint);
  const [, number] = /^(\d+(?:\.\d+)?) ?%$/.exec(input) ?? [];
  if (number === undefined) return fail(`expected a share in percent, got ${quote(input)}`, hint);
  return Number(number) <= 100 ? Number(number) / 100 : fail(`expected at most 100%, got ${quote(input)}`);
});

const address = convert((input) => {
  const hint = 'write it like 127.0.0.1:9902 or [::1]:9902';
  if (typeof input !== 'string') return fail(expected('host:port', input), hint);
  const [, host = '', port = ''] = /^(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(input) ?? [];
  if (host !== '' && Number(port) <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  return fail(
    `expected host:port, got ${quote(input)}`,
    /^:\d+$/.test(input) ? `for every interface, write 0.0.0.0${input}` : hint,
  );
});

const AGENT = {
  type: anything,
  mesh: maybe(meshName),
  service: maybe(text),
  backend: maybe(text),
  trustDomain: maybe(trustDomain),
  spiffeId: maybe(text),
  tags: maybe(tags),
  signer: anything,
  keyType: maybe(choice(['auto', ...KEY_TYPES])),
  allow: maybe(list(spiffePattern)),
  deliver: anything,
  rotation: anything,
  telemetry: anything,
  admin: anything,
};
const ROTATION = {
  expiration: maybe(duration),
  jitter: maybe(percent),
  spread: maybe(flag),
  standbyBackends: maybe(list(text)),
  standbyAfter: maybe(percent),
  onStart: anything,
};

/** What an Agent document says, defaults filled in where they depend on nothing else. */
export interface Agent {
  readonly place: Place;
  readonly mesh: string | undefined;
  readonly service: string | undefined;
  /** Takes the place of the Mesh's `enabledBackend`. */
  readonly backend: string | undefined;
  /** Takes the place of the Mesh's `expiration`. */
  readonly ttlSeconds: number | undefined;
  /** Undefined: this agent holds the keys of `builtin` and `provided` CAs itself. */
  readonly signer: SignerChoice | undefined;
  readonly trustDomain: string | undefined;
  readonly spiffeId: string | undefined;
  readonly tags: Config['tags'];
  readonly keyType: Config['keyType'];
  readonly allow: readonly string[];
  readonly deliver: Config['deliver'];
  readonly rotation: Config['rotation'];
  readonly telemetry: Config['telemetry'];
  readonly admin: Config['admin'];
}

/**
 * Reads an Agent document, reporting every mistake.
 *
 * @param value `{}` for an agent without one.
 */
export function readAgent(value: unknown, place: Place, currentDirectory: string): Agent {
  const {
    mesh,
    service,
    backend,
    trustDomain,
    spiffeId,
    tags = {},
    keyType = 'auto',
    allow = [],
    ...parts
  } = readMapping(AGENT, value, place);
  const telemetry = readMapping({ address: maybe(address) }, parts.telemetry, place.at('telemetry'));
  const deliver = readDeliver(parts.deliver, place.at('deliver'), currentDirectory);
  const admin = { socket: readSocket(parts.admin, place.at('admin'), currentDirectory) };
  for (const key of ['sds', 'workloadApi'] as const) {
    if (deliver[key]?.socket === admin.socket) {
      place.at('deliver', key, 'socket').error(`admin.socket is ${quote(admin.socket)}, too`, 'name another path');
    }
  }
  return {
    place,
    mesh,
    service,
    backend,
    signer: readSignerChoice(parts.signer, place.at('signer')),
    ...readRotation(parts.rotation, place.at('rotation')),
    trustDomain,
    spiffeId,
    tags,
    keyType: keyType === 'auto' ? undefined : keyType,
    allow,
    deliver,
    telemetry: telemetry.address ?? { host: '127.0.0.1', port: 9902 },
    admin,
  };
}

function readRotation(value: unknown, place: Place): Pick<Agent, 'rotation' | 'ttlSeconds'> {
  const read = readMapping(ROTATION, value, place);
  const { jitter = MAX_JITTER_RATIO, spread = true, standbyBackends = [], onStart } = read;
  if (jitter > MAX_JITTER_RATIO) {
    const given = quote(`${Number((jitter * 100).toFixed(6))}%`);
    const hint = 'a longer delay would eat the time that is left to try again';
    place.at('jitter').error(`expected at most 2%, got ${given}`, hint);
  }
  if (asksForSomething(onStart) && onStart !== 'reissue') {
    place.at('onStart').error('anything but "reissue" is not in this version yet');
  }
  const ttlMs = read.expiration;
  if (ttlMs !== undefined && ttlMs < 1000) place.at('expiration').error('expected at least a second');
  return {
    rotation: {
      jitterRatio: jitter,
      spreads: spread,
      standbyBackends,
      standbyRatio: read.standbyAfter ?? DEFAULT_STANDBY_RATIO,
    },
    ttlSeconds: ttlMs === undefined ? undefined : Math.floor(ttlMs / 1000),
  };
}

function readSocket(admin: unknown, place: Place, currentDirectory: string): string {
  const read = readMapping({ socket: maybe(path) }, admin, place);
  return resolveSocketPath(read.socket ?? '.meshcert/admin.sock', place.at('socket'), currentDirectory);
}
