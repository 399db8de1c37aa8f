/**
 * The types of backends: which `conf` each takes, and what the issuer of that type is given.
 *
 * @module
 */
import { readAcmPca } from './acmpca.ts';
import { readBuiltin } from './builtin.ts';
import { readCertManager } from './certmanager.ts';
import type { IssuerConfig } from './config.ts';
import { readKubernetes } from './kubernetes.ts';
import type { Place } from './place.ts';
import { readProvided } from './provided.ts';
import { choice } from './schema.ts';
import { readVault } from './vault/vault.ts';

/** What is known of the agent when the backends of a mesh are read. */
export interface AgentContext {
  readonly currentDirectory: string;
  /** The variables of Vault's own clients fill in what a `vault` backend leaves out; AWS_REGION serves `acmpca`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For templates of common names; `kuma.io/service` is there in any case. */
  readonly tags: Readonly<Record<string, string>>;
  readonly chosen: BackendChoice;
}

/** What an Agent document says in place of its Mesh. */
export interface BackendChoice {
  /** Undefined: the one that the Mesh enables. */
  readonly name: string | undefined;
  /** Where the name stands. */
  readonly place: Place;
  /** Undefined: as the backend says. */
  readonly ttlSeconds: number | undefined;
}

export interface BackendContext extends AgentContext {
  /** The mesh's name. */
  readonly mesh: string;
  /** Whether this agent belongs to that mesh. */
  readonly isSelected: boolean;
  /** Whether this is the backend that certificates are to come from. */
  readonly isEnabled: boolean;
}

/** Reports every mistake in a `conf`; undefined when there is one. */
type ReadConf = (conf: unknown, place: Place, context: BackendContext) => IssuerConfig | undefined;

const BACKEND_TYPES = {
  builtin: readBuiltin,
  provided: readProvided,
  vault: readVault,
  acmpca: readAcmPca,
  certmanager: readCertManager,
  kubernetes: readKubernetes,
} as const satisfies Record<string, ReadConf>;

export type BackendTypeName = keyof typeof BACKEND_TYPES;

export const BACKEND_TYPE_NAMES = Object.keys(BACKEND_TYPES) as BackendTypeName[];

export const backendType = choice(BACKEND_TYPE_NAMES);

/**
 * Reads the `conf` of a backend, reporting every mistake in it.
 *
 * @param place the backend.
 */
export function readConf(
  type: BackendTypeName,
  conf: unknown,
  place: Place,
  context: BackendContext,
): IssuerConfig | undefined {
  return BACKEND_TYPES[type](conf, place.at('conf'), context);
}
