/**
 * The types of backends: which `conf` each takes, and what the issuer of that type is given.
 *
 * Types that this version has no issuer for are known, so that a Mesh that also lists such a CA loads.
 *
 * @module
 */
import { readBuiltin } from './builtin.ts';
import type { IssuerConfig } from './config.ts';
import type { Place } from './place.ts';
import { readProvided } from './provided.ts';
import { readMapping } from './read.ts';
import { choice, type Entries, keys, maybe, text } from './schema.ts';
import { source } from './source.ts';
import { readVault } from './vault/vault.ts';

/** What is known of the agent when the backends of a mesh are read. */
export interface AgentContext {
  readonly currentDirectory: string;
  /** The variables of Vault's own clients fill in what a `vault` backend leaves out. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For templates of common names; `kuma.io/service` is there in any case. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface BackendContext extends AgentContext {
  /** The mesh's name. */
  readonly mesh: string;
  /** Whether this agent belongs to that mesh. */
  readonly isSelected: boolean;
  /** Whether this is the backend that certificates are to come from. */
  readonly isEnabled: boolean;
}

interface BackendType {
  /** Whether this version can have certificates issued by it. */
  readonly isSupported: boolean;
  /** Reports every mistake in a `conf`; undefined when there is one, or when the type is not supported. */
  read(conf: unknown, place: Place, context: BackendContext): IssuerConfig | undefined;
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
  provided: { isSupported: true, read: readProvided },
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

/** Those that this version can have certificates issued by. */
export const SUPPORTED_TYPES = NAMES.filter((name) => BACKEND_TYPES[name].isSupported);

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
    place
      .at('type')
      .error(`${type} is not in this version yet`, `enable a backend of type ${SUPPORTED_TYPES.join(', ')}`);
  }
  return read(conf, place.at('conf'), context);
}
