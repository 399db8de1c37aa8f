/**
 * The types of backends: which `conf` each takes, and what the issuer of that type is given.
 *
 * Types that this version has no issuer for are known, so that a Mesh that also lists such a CA loads.
 *
 * @module
 */
import { resolve } from 'node:path';
import type { BuiltinConfig } from '../issuer/builtin/config.ts';
import type { IssuerConfig } from './config.ts';
import type { Place } from './place.ts';
import { type Read, readMapping } from './read.ts';
import { choice, duration, type Entries, integer, keys, maybe, text } from './schema.ts';
import { source } from './source.ts';
import { readVault } from './vault.ts';

export interface BackendContext {
  /** The mesh's name. */
  readonly mesh: string;
  /** Whether this is the backend that certificates are to come from. */
  readonly isEnabled: boolean;
  readonly currentDirectory: string;
}

interface BackendType {
  /** Whether this version can have certificates issued by it. */
  readonly isSupported: boolean;
  /** Reports every mistake in a `conf`; undefined when there is one, or when the type is not supported. */
  read(conf: unknown, place: Place, context: BackendContext): IssuerConfig | undefined;
}

/** Of the certificate of an embedded CA. */
export const TEN_YEARS_SECONDS = 10 * 365 * 86_400;

const BUILTIN = { caCert: maybe(keys({ RSAbits: maybe(integer(2048, 8192)), expiration: maybe(duration) })) };

function readBuiltin(conf: unknown, place: Place, { currentDirectory }: BackendContext): BuiltinConfig {
  const { caCert }: Read<typeof BUILTIN> = readMapping(BUILTIN, conf, place);
  return {
    kind: 'builtin',
    directory: resolveBuiltinDirectory(currentDirectory),
    rsaBits: caCert?.RSAbits,
    caTtlSeconds: caCert?.expiration === undefined ? TEN_YEARS_SECONDS : Math.ceil(caCert.expiration / 1000),
  };
}

/** Where the embedded CA is kept: `.meshcert/ca`. */
export function resolveBuiltinDirectory(currentDirectory: string): string {
  return resolve(currentDirectory, '.meshcert/ca');
}

function known(entries: Entries): BackendType {
  return {
    isSupported: false,
    read: (conf, place) => {
      readMapping(entries, conf, place);
      return undefined;
    },
  };
}

const BACKEND_TYPES = {
  builtin: { isSupported: true, read: readBuiltin },
  provided: known({ cert: maybe(source), key: maybe(source) }),
  vault: { isSupported: true, read: readVault },
  acmpca: known({
    arn: maybe(text),
    commonName: maybe(text),
    caCert: maybe(source),
    auth: maybe(keys({ awsCredentials: maybe(keys({ accessKey: maybe(source), accessKeySecret: maybe(source) })) })),
  }),
  certmanager: known({
    issuerRef: maybe(keys({ name: maybe(text), kind: maybe(text), group: maybe(text) })),
    caCert: maybe(source),
  }),
} as const satisfies Record<string, BackendType>;

export type BackendTypeName = keyof typeof BACKEND_TYPES;

const NAMES = Object.keys(BACKEND_TYPES) as BackendTypeName[];

const SUPPORTED = NAMES.filter((name) => BACKEND_TYPES[name].isSupported);

export const backendType = choice(NAMES);

/**
 * Reads the `conf` of a backend. One that is enabled and that this version has no issuer for is a mistake at `type`.
 *
 * @param place the backend.
 */
export function readConf(
  type: BackendTypeName,
  conf: unknown,
  place: Place,
  context: BackendContext,
): IssuerConfig | undefined {
  const { isSupported, read }: BackendType = BACKEND_TYPES[type];
  if (context.isEnabled && !isSupported) {
    place.at('type').error(`${type} is not in this version yet`, `enable a backend of type ${SUPPORTED.join(' or ')}`);
  }
  return read(conf, place.at('conf'), context);
}
