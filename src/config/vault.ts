import { resolve } from 'node:path';
import type { InferOutput } from 'valibot';
import type { DataSource } from '../data-source.ts';
import type { VaultAuth, VaultConfig } from '../issuer/vault/config.ts';
import type { BackendContext } from './backends.ts';
import type { Place } from './place.ts';
import { type Read, readMapping } from './read.ts';
import {
  anything,
  choice,
  convert,
  expected,
  fail,
  flag,
  isAbsent,
  isMapping,
  keys,
  maybe,
  path,
  pattern,
  quote,
  text,
} from './schema.ts';
import { source, useSource } from './source.ts';

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Mount points and role names become parts of the paths of Vault's API. */
const segment = pattern(/^(?!\.{1,2}$)[\w.~-]+$/, 'a name of letters, digits, ".", "-", "_" and "~"');
const MOUNT = /^(?:(?!\.{1,2}(?:\/|$))[\w.~-]+(?:\/(?!$)|$))+$/;

const namespace = convert((input) => {
  if (typeof input !== 'string') return fail(expected('a namespace of Vault', input));
  const trimmed = input.replace(/^\/+|\/+$/g, '');
  return MOUNT.test(trimmed) ? trimmed : fail(`expected a namespace of Vault, got ${quote(input)}`);
});

/** A path of the API without `/v1/` and without slashes at its ends. */
const apiPath = convert((input) => {
  if (typeof input !== 'string') return fail(expected('a path of the API of Vault', input));
  const trimmed = input.replace(/^\/?v1\//, '').replace(/^\/+|\/+$/g, '');
  return MOUNT.test(trimmed) ? trimmed : fail(`expected a path of the API of Vault, got ${quote(input)}`);
});

const pkiPath = convert((input) => {
  const example = 'write it like pki-int/sign/example-dot-com';
  if (typeof input !== 'string') return fail(expected('the path of a signing role', input), example);
  const trimmed = input.replace(/^\/?v1\//, '').replace(/^\/+|\/+$/g, '');
  const [, pki = '', role = ''] = /^(.+)\/(?:sign|issue)\/([^/]+)$/.exec(trimmed) ?? [];
  if (MOUNT.test(pki) && MOUNT.test(role)) return { pki, role };
  return fail(`expected the path of a signing role, got ${quote(input)}`, example);
});

/** The origin alone: `https://vault.example:8200`. User and password would have to be hidden for ever; refused. */
const address = convert((input) => {
  const hint = 'write it like https://vault.example:8200';
  if (typeof input !== 'string') return fail(expected('the address of Vault', input), hint);
  if (input.includes('@')) return fail('expected an address without user and password', hint);
  const [, scheme = '', host = '', port, rest = ''] =
    /^(https?):\/\/(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?(\/.*)?$/i.exec(input) ?? [];
  if (scheme === '' || Number(port ?? 0) > 65_535)
    return fail(`expected http:// or https:// and a host, got ${quote(input)}`, hint);
  if (rest.replaceAll('/', '') !== '') return fail(`expected an address without a path, got ${quote(input)}`, hint);
  const origin = `${scheme.toLowerCase()}://${host}${port === undefined ? '' : `:${port}`}`;
  // The documents of Kong Mesh have `https://vault.8200`, which is no URL and has to load all the same.
  const isSlip = /[a-z][\w-]*\.\d+$/i.test(host) && port === undefined;
  return URL.canParse(origin) || isSlip ? origin : fail(`expected a host that can exist, got ${quote(input)}`, hint);
});

const FROM_CP = {
  address: maybe(address),
  agentAddress: maybe(text),
  namespace: maybe(namespace),
  pki: maybe(apiPath),
  role: maybe(segment),
  commonName: maybe(text),
  tls: maybe(keys({ caCert: maybe(source), skipVerify: maybe(flag), serverName: maybe(text) })),
  auth: anything,
  pkiPath: maybe(pkiPath),
  caChain: maybe(source),
};

const AWS = maybe(keys({ type: maybe(choice(['IAM', 'EC2'])), role: maybe(text), iamServerIdHeader: maybe(text) }));

const KUBERNETES = keys({
  role: maybe(segment),
  mountPath: maybe(apiPath),
  tokenPath: maybe(path),
  audience: maybe(text),
});

type KubernetesAuth = InferOutput<typeof KUBERNETES>;

const AUTH = {
  token: maybe(source),
  kubernetes: maybe(KUBERNETES),
  // The Universal sample of Kong Mesh has `aws` inside of `tls`, its text beside it.
  tls: maybe(keys({ clientKey: maybe(source), clientCert: maybe(source), aws: AWS })),
  aws: AWS,
  approle: anything,
  jwt: anything,
};

/** Reads the `conf` of a backend of type `vault`; undefined when a mistake was reported. */
export function readVault(conf: unknown, place: Place, context: BackendContext): VaultConfig | undefined {
  const { fromCp } = readMapping({ fromCp: anything }, conf, place);
  const inside = place.at('fromCp');
  if (fromCp === undefined || fromCp === null) {
    inside.error('missing: expected the address of Vault, and how to log in (address, auth)');
    return undefined;
  }
  const read = readMapping(FROM_CP, fromCp, inside);
  if (!isMapping(fromCp)) return undefined;
  if (isAbsent(fromCp.address)) inside.at('address').error('missing', 'write it like https://vault.example:8200');
  if (!isAbsent(fromCp.pkiPath)) {
    for (const key of ['pki', 'role'].filter((name) => !isAbsent(fromCp[name]))) {
      inside.at(key).error('expected either pkiPath, or pki and role', 'pkiPath holds both');
    }
  }
  const auth = readAuth(fromCp.auth, inside.at('auth'), context);
  if (context.isEnabled) sayWhatIsLeftOut(read, inside);
  if (read.address === undefined || auth === undefined) return undefined;

  const { caCert, skipVerify = false, serverName } = read.tls ?? {};
  const use = (found: DataSource | undefined, where: Place) =>
    found && useSource(found, where, context.currentDirectory);
  return {
    kind: 'vault',
    address: read.address,
    namespace: read.namespace,
    pki: read.pkiPath?.pki ?? read.pki ?? `kuma-pki-${context.mesh}`,
    role: read.pkiPath?.role ?? read.role ?? 'dataplanes',
    tls: { caCert: use(caCert, inside.at('tls', 'caCert')), skipVerify, serverName },
    auth,
    caChain: use(read.caChain, inside.at('caChain')),
  };
}

/** What loads, because meshes in use have it, and yet is not as its writer may think. */
function sayWhatIsLeftOut(read: Read<typeof FROM_CP>, place: Place): void {
  if (read.agentAddress !== undefined) place.at('agentAddress').error('not in this version yet', 'use address');
  if (read.commonName !== undefined) {
    place.at('commonName').warn('this version leaves it out: certificates have a SPIFFE ID and no common name');
  }
  if (read.tls?.skipVerify === true) {
    place.at('tls', 'skipVerify').warn('the certificate of Vault is not checked, which is for development only');
  }
  if (read.address === undefined) return;
  if (!URL.canParse(read.address)) {
    const meant = read.address.replace(/\.(\d+)$/, ':$1');
    place.at('address').warn(`no host can have the name in "${read.address}"`, `did you mean "${meant}"?`);
  } else if (read.address.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(read.address)) {
    place.at('address').warn('credentials travel unencrypted', 'use https');
  }
}

function readAuth(given: unknown, place: Place, context: BackendContext): VaultAuth | undefined {
  const { token, kubernetes } = readMapping(AUTH, given, place, 'secret');
  const auth = given ?? {};
  if (!isMapping(auth)) return undefined;
  // An `aws` with nothing inside means AWS with its defaults.
  const methods = Object.keys(AUTH).filter((name) => !isAbsent(auth[name]) || (name === 'aws' && name in auth));
  const [method] = methods;
  if (method === undefined) {
    place.error('missing: expected one way to log in', 'known here: token, kubernetes');
  } else if (methods.length > 1) {
    place.error(`only one way to log in is allowed, got ${methods.join(' and ')}`, 'keep the one to be used');
  } else if (method === 'token') {
    return token && { method, token: useSource(token, place.at(method), context.currentDirectory) };
  } else if (method === 'kubernetes') {
    return kubernetes && readKubernetes(kubernetes, place.at(method), context);
  } else if (context.isEnabled) {
    place.at(method).error('not in this version yet', 'use token or kubernetes');
  }
  return undefined;
}

function readKubernetes(
  { role, mountPath = 'auth/kubernetes', tokenPath = SERVICE_ACCOUNT_TOKEN, audience }: KubernetesAuth,
  place: Place,
  { currentDirectory }: BackendContext,
): VaultAuth | undefined {
  if (role === undefined) {
    place.at('role').error('missing: expected the role that the Kubernetes auth method of Vault has for this agent');
    return undefined;
  }
  return {
    method: 'kubernetes',
    role,
    mountPath: mountPath.startsWith('auth/') ? mountPath : `auth/${mountPath}`,
    tokenPath: resolve(currentDirectory, tokenPath),
    audience,
  };
}
