import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { FileName, FilesConfig } from '../delivery/files/config.ts';
import { AgentError } from '../errors.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';

/** Where something listens, or is to be reached. */
export interface Address {
  /** An IP address; also a name, where something is to be reached. */
  readonly host: string;
  readonly port: number;
}

/** What is to be reached, and how it is spoken with. */
export interface Target extends Address {
  /** `tcp`: everything but HTTP. */
  readonly protocol: 'http' | 'tcp';
}

/** What the configuration of the agent does not say. */
export interface EnvoyOptions {
  /** Default: that of the enabled backend. */
  readonly mode?: 'STRICT' | 'PERMISSIVE' | undefined;
  /** Where others reach this service. Default 0.0.0.0:10443. */
  readonly inbound?: Address | undefined;
  /** Where the application listens. Default http://127.0.0.1:8080. */
  readonly app?: Target | undefined;
  /** Where it takes TLS of its own, which PERMISSIVE lets through. Default: the same. */
  readonly appTls?: Address | undefined;
  readonly outbounds?: readonly OutboundOption[] | undefined;
  /** Default: the one that `deliver.verify` asks; without one there is no admin interface. */
  readonly admin?: Address | undefined;
}

/** A service that the application calls. */
export interface OutboundOption {
  readonly name: string;
  readonly target: Target;
  /** Default: that of the service `name` in our trust domain. */
  readonly spiffeId?: SpiffeId | undefined;
  /** On 127.0.0.1, for the application; 0: any free port. Default 15001 for the first, 15002 for the second and so on. */
  readonly localPort?: number | undefined;
}

export interface Outbound {
  readonly name: string;
  readonly target: Target;
  readonly spiffeId: SpiffeId;
  readonly localPort: number;
}

/** From where Envoy gets certificate, key and trust bundle; both hold the secrets `default` and `ROOTCA`. */
export type SecretSource =
  | { readonly kind: 'sds' /** Path of the Unix socket. */; readonly socket: string }
  | { readonly kind: 'files'; readonly directory: string /** Their paths. */; readonly files: SecretFiles };

export interface SecretFiles {
  readonly key: string;
  /** Files of SDS, with the secrets `default` and `ROOTCA`. */
  readonly certificateSds: string;
  readonly validationSds: string;
}

/** All that is needed to write Envoy's configuration. */
export interface Plan {
  readonly service: string;
  readonly spiffeId: SpiffeId;
  /** SPIFFE IDs, exact or ending in `/*`; empty: every one of the trust domain. */
  readonly allow: readonly string[];
  readonly secrets: SecretSource;
  readonly mode: 'STRICT' | 'PERMISSIVE';
  readonly inbound: Address;
  readonly app: Target;
  readonly appTls: Address;
  readonly outbounds: readonly Outbound[];
  readonly admin: Address | undefined;
}

const FIRST_LOCAL_PORT = 15_001;

/**
 * Puts configuration and options together.
 *
 * @throws AgentError `ERR_CONFIG` when mTLS is off, when nothing is delivered that Envoy can load, and for outbounds that
 * are there twice or whose SPIFFE ID is not known.
 */
export function planEnvoy(config: Config, options: EnvoyOptions): Plan {
  const { service, spiffeId, allow, backend } = config;
  if (backend === undefined) {
    const [first] = config.supportedBackends;
    throw new AgentError('ERR_CONFIG', `mTLS is off: the Mesh "${config.mesh}" enables no backend`, {
      remedy: first === undefined ? 'add one under mtls.backends, and enable it' : `set mtls.enabledBackend: ${first}`,
    });
  }
  const app = options.app ?? { protocol: 'http', host: '127.0.0.1', port: 8080 };
  return {
    service,
    spiffeId,
    allow,
    secrets: findSecrets(config),
    mode: options.mode ?? backend.mode,
    inbound: options.inbound ?? { host: '0.0.0.0', port: 10_443 },
    app,
    appTls: options.appTls ?? app,
    outbounds: planOutbounds(config, options.outbounds ?? []),
    admin: options.admin ?? findAdmin(config),
  };
}

function findSecrets({ deliver: { sds, files } }: Config): SecretSource {
  if (sds !== undefined) return { kind: 'sds', socket: sds.socket };
  const [first] = files;
  if (first !== undefined) return { kind: 'files', directory: first.directory, files: findFiles(first) };
  throw new AgentError('ERR_CONFIG', 'the agent delivers nothing that Envoy loads', {
    remedy: 'set deliver.sds or deliver.files in the Agent document',
  });
}

function findFiles({ directory, names }: FilesConfig): SecretFiles {
  const find = (file: FileName) => join(directory, names[file] ?? file);
  return {
    key: find('tls.key'),
    certificateSds: find('tls_certificate_sds.yaml'),
    validationSds: find('validation_context_sds.yaml'),
  };
}

/** Envoy binds to IP addresses only, so what is asked by another name is asked from afar. */
function findAdmin({ deliver: { verify } }: Config): Address | undefined {
  const target = verify.find((one) => one.kind === 'envoyAdmin');
  if (target === undefined) return undefined;
  const { hostname, port } = new URL(target.url);
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? undefined : { host, port: Number(port || 80) };
}

function planOutbounds(config: Config, options: readonly OutboundOption[]): Outbound[] {
  const outbounds = options.map(({ name, target, spiffeId, localPort }, index) => ({
    name,
    target,
    spiffeId: spiffeId ?? guessSpiffeId(config, name),
    localPort: localPort ?? FIRST_LOCAL_PORT + index,
  }));
  outbounds.forEach(({ name, localPort }, index) => {
    for (const other of outbounds.slice(0, index)) {
      if (other.name === name) {
        throw new AgentError('ERR_CONFIG', `the outbound "${name}" is there twice`, {
          remedy: 'give one another name, and its SPIFFE ID: NAME=HOST:PORT=SPIFFE-ID',
        });
      }
      if (other.localPort !== localPort || localPort === 0) continue;
      throw new AgentError(
        'ERR_CONFIG',
        `the outbounds "${other.name}" and "${name}" have the same port ${localPort}`,
        {
          remedy: 'give one another port: PORT:NAME=HOST:PORT',
        },
      );
    }
  });
  return outbounds;
}

/** Our own SPIFFE ID shows how names become IDs, unless it holds more than the name of the service. */
function guessSpiffeId({ service, spiffeId: { trustDomain, path } }: Config, name: string): SpiffeId {
  if (path === `/${service}`) return new SpiffeId(trustDomain, `/${name}`);
  throw new AgentError(
    'ERR_CONFIG',
    `the SPIFFE ID of the outbound "${name}" is not known, as "spiffeId" is not /{service}`,
    {
      remedy: `write it behind the address: ${name}=HOST:PORT=spiffe://${trustDomain}/...`,
    },
  );
}
