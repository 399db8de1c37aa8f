import { resolve } from 'node:path';
import type { DataSource } from '../../data-source.ts';
import type { VaultAuth } from '../../issuer/vault/config.ts';
import type { Place } from '../place.ts';
import { type Read, readMapping } from '../read.ts';
import { choice, type Entries, isAbsent, isMapping, keys, maybe, path, pattern, text } from '../schema.ts';
import { source, useSource } from '../source.ts';
import { authMount, roleName } from './api-path.ts';

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** The global endpoint of AWS STS takes signatures for this region alone. */
const DEFAULT_REGION = 'us-east-1';

const AWS = {
  type: maybe(choice(['IAM', 'EC2'])),
  role: maybe(roleName),
  // It becomes a header.
  iamServerIdHeader: maybe(pattern(/^[\x21-\x7e]+$/, 'a word')),
  mountPath: maybe(authMount),
  region: maybe(pattern(/^[a-z\d-]+$/, 'a region of AWS', 'write it like eu-central-1')),
};

const METHODS = {
  token: maybe(source),
  kubernetes: maybe(
    keys({ role: maybe(roleName), mountPath: maybe(authMount), tokenPath: maybe(path), audience: maybe(text) }),
  ),
  tls: maybe(
    keys({
      clientKey: maybe(source),
      clientCert: maybe(source),
      role: maybe(roleName),
      mountPath: maybe(authMount),
      // The Universal sample of Kong Mesh has it in here, its text says that it stands beside.
      aws: maybe(keys(AWS)),
    }),
  ),
  aws: maybe(keys(AWS)),
  approle: maybe(keys({ roleId: maybe(source), secretId: maybe(source), mountPath: maybe(authMount) }, 'secret')),
  jwt: maybe(
    keys({ role: maybe(roleName), token: maybe(source), tokenPath: maybe(path), mountPath: maybe(authMount) }),
  ),
} satisfies Entries;

type Method = keyof typeof METHODS;
type Given = Read<typeof METHODS>;
type AwsGiven = NonNullable<Given['aws']>;

/** What concerns the login, and what stands with it though it concerns the connection. */
export interface ReadAuth {
  /** Undefined: a mistake was reported, or the method is none that this version has. */
  readonly auth: VaultAuth | undefined;
  readonly clientCert: DataSource | undefined;
  readonly clientKey: DataSource | undefined;
}

export interface AuthContext {
  readonly isEnabled: boolean;
  readonly currentDirectory: string;
  /** How to log in when nothing is said; undefined: that is a mistake. */
  readonly otherwise: VaultAuth | undefined;
}

type Use = (found: DataSource, place: Place) => DataSource;

/** Reads `auth`: exactly one way to log in, and at most a client certificate beside it. */
export function readAuth(given: unknown, place: Place, context: AuthContext): ReadAuth {
  const read = readMapping(METHODS, given, place, 'secret');
  const use: Use = (found, where) => useSource(found, where, context.currentDirectory);
  const raw = given ?? {};
  if (!isMapping(raw)) return { auth: undefined, clientCert: undefined, clientKey: undefined };
  const { clientCert, clientKey } = read.tls ?? {};
  return {
    auth: chooseMethod(read, raw, place, context, use),
    clientCert: clientCert && use(clientCert, place.at('tls', 'clientCert')),
    clientKey: clientKey && use(clientKey, place.at('tls', 'clientKey')),
  };
}

function chooseMethod(
  read: Given,
  raw: Readonly<Record<string, unknown>>,
  place: Place,
  context: AuthContext,
  use: Use,
): VaultAuth | undefined {
  const { isEnabled, otherwise } = context;
  const methods = findMethods(raw);
  const [method] = methods;
  if (methods.length > 1) {
    place.error(`only one way to log in is allowed, got ${methods.join(' and ')}`, 'keep the one to be used');
    return undefined;
  }
  if (method === undefined) {
    if (otherwise === undefined)
      place.error('missing: expected one way to log in', `known here: ${Object.keys(METHODS).join(', ')}`);
    return otherwise;
  }
  if (isEnabled && method !== 'tls' && method !== 'aws' && read.tls !== undefined) {
    const shown = `the login is by ${method}, and the client certificate is for the connection alone`;
    place.at('tls').warn(shown, 'keep one of the two, or write the certificate under fromCp.tls');
  }
  const inside = place.at(method);
  switch (method) {
    case 'token':
      return read.token && { method, token: use(read.token, inside) };
    case 'kubernetes':
      return read.kubernetes && readKubernetes(read.kubernetes, inside, context.currentDirectory);
    case 'approle':
      return read.approle && readAppRole(read.approle, inside, use);
    case 'jwt':
      return read.jwt && readJwt(read.jwt, inside, use);
    case 'tls':
      return read.tls && { method, role: read.tls.role, mountPath: read.tls.mountPath ?? 'auth/cert' };
    case 'aws':
      return readAws(
        read.aws ?? read.tls?.aws ?? {},
        raw.aws === undefined ? place.at('tls', 'aws') : inside,
        isEnabled,
      );
  }
}

/** An `aws` with nothing inside means AWS with its defaults. A certificate beside another method is no second one. */
function findMethods(raw: Readonly<Record<string, unknown>>): Method[] {
  const isAws = 'aws' in raw || (isMapping(raw.tls) && 'aws' in raw.tls);
  const names = Object.keys(METHODS) as Method[];
  const found = names.filter((name) => (name === 'aws' ? isAws : name !== 'tls' && !isAbsent(raw[name])));
  return found.length === 0 && !isAbsent(raw.tls) ? ['tls'] : found;
}

function readKubernetes(
  given: NonNullable<Given['kubernetes']>,
  place: Place,
  currentDirectory: string,
): VaultAuth | undefined {
  const { role, mountPath = 'auth/kubernetes', tokenPath = SERVICE_ACCOUNT_TOKEN, audience } = given;
  if (role === undefined) {
    place.at('role').error('missing: expected the role that the Kubernetes auth method of Vault has for this agent');
    return undefined;
  }
  return { method: 'kubernetes', role, mountPath, tokenPath: resolve(currentDirectory, tokenPath), audience };
}

function readAppRole(given: NonNullable<Given['approle']>, place: Place, use: Use): VaultAuth | undefined {
  const { roleId, secretId, mountPath = 'auth/approle' } = given;
  if (roleId === undefined) {
    place
      .at('roleId')
      .error('missing: expected the role ID', 'read it with: vault read auth/approle/role/ROLE/role-id');
    return undefined;
  }
  return {
    method: 'approle',
    roleId: use(roleId, place.at('roleId')),
    secretId: secretId && use(secretId, place.at('secretId')),
    mountPath,
  };
}

function readJwt(given: NonNullable<Given['jwt']>, place: Place, use: Use): VaultAuth | undefined {
  const { role, token, tokenPath, mountPath = 'auth/jwt' } = given;
  if ((token === undefined) === (tokenPath === undefined)) {
    const found = token === undefined ? 'none' : 'both';
    place.error(`expected either token or tokenPath, got ${found}`, 'tokenPath: PATH is short for token: {file: PATH}');
    return undefined;
  }
  const found = token ?? { kind: 'file', path: tokenPath ?? '' };
  return { method: 'jwt', role, token: use(found, place.at('token')), mountPath };
}

function readAws(given: AwsGiven, place: Place, isEnabled: boolean): VaultAuth | undefined {
  const { type, role, iamServerIdHeader, mountPath = 'auth/aws', region = DEFAULT_REGION } = given;
  if (type !== 'EC2') return { method: 'aws', role, iamServerIdHeader, mountPath, region };
  if (isEnabled) place.at('type').error('logging in with the EC2 identity document is not supported', 'use IAM');
  return undefined;
}
