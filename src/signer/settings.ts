import { AgentError } from '../errors.ts';
import type { BuiltinConfig } from '../issuer/builtin/config.ts';
import type { ProvidedConfig } from '../issuer/provided/config.ts';
import { type IdentityTemplate, readIdentityTemplate } from './identity-template.ts';

/** A CA that the signer signs with. */
export interface SigningBackend {
  readonly name: string;
  /** The longest life of a certificate, in seconds. */
  readonly ttlSeconds: number;
  readonly ca: Omit<BuiltinConfig, 'directory'> | ProvidedConfig;
}

/** What the signer of one mesh does. */
export interface SignerSettings {
  readonly mesh: string;
  readonly trustDomain: string;
  readonly identities: IdentityTemplate;
  /** Empty: all. */
  readonly allowedNamespaces: readonly string[];
  /** Not empty. */
  readonly backends: readonly SigningBackend[];
  /** The backend for requests that name none; undefined: none is enabled, or the enabled one is no CA of ours. */
  readonly enabledBackend: string | undefined;
}

export interface SettingsInput extends Omit<SignerSettings, 'identities'> {
  /** Path of the SPIFFE ID, with placeholders. */
  readonly template: string;
}

/** What Kubernetes takes as a part of a name. */
const PART_OF_NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** @throws AgentError `ERR_CONFIG` */
export function makeSettings({ template, ...input }: SettingsInput): SignerSettings {
  const { mesh, trustDomain, allowedNamespaces, backends } = input;
  if (backends.length === 0) {
    throw new AgentError('ERR_CONFIG', `the Mesh "${mesh}" has no backend that the signer could sign with`, {
      remedy: 'give it one of type builtin or provided, and no Agent document with "signer"',
    });
  }
  const isBuiltin = ({ ca }: SigningBackend) => ca.kind === 'builtin';
  const names = [mesh, ...backends.filter(isBuiltin).map(({ name }) => name)];
  const odd = names.find((name) => !PART_OF_NAME.test(name));
  if (odd !== undefined) {
    throw new AgentError('ERR_CONFIG', `"${odd}" cannot be a part of a name in Kubernetes`, {
      remedy: 'name meshes and builtin backends with a-z, 0-9, "-" and "."',
    });
  }
  return { ...input, identities: readIdentityTemplate(trustDomain, template, allowedNamespaces.length === 1) };
}
