import { createHash } from 'node:crypto';
import type { Codec } from '../../grpc/proto.ts';
import type { Generation } from '../../identity/identity.ts';
import { derToPem } from '../../identity/pem.ts';
import type { SdsConfig } from './config.ts';
import { type Any, SECRET_TYPE } from './messages.ts';

/** A certificate with its key, or a trust bundle, under the name that it was asked for by. */
export interface VersionedSecret {
  readonly name: string;
  /** Changes with the content, and is the same after a restart of the agent. */
  readonly version: string;
  readonly resource: Any;
}

/** All secrets of one generation. */
export interface Secrets {
  /** Of the whole. */
  readonly version: string;
  /** Undefined: there is no such secret. */
  find(name: string): VersionedSecret | undefined;
  /** What clients get who name nothing: each secret once, under its SPIFFE ID. */
  readonly wildcardNames: readonly string[];
}

/** The identity has expired. Not the same as having none yet: then nobody is told to give up what it has. */
export const NO_SECRETS: Secrets = { version: '', wildcardNames: [], find: () => undefined };

type Choices = Pick<SdsConfig, 'validator' | 'certificateNames' | 'bundleNames'>;

/** Names that have a meaning to Envoys which were set up for SPIRE or Istio. */
const CERTIFICATE_NAME = 'default';
const BUNDLE_NAME = 'ROOTCA';
/** SPIRE: the bundles of all trust domains. That takes Envoy's SPIFFE validator. */
const ALL_BUNDLES_NAME = 'ALL';

const TYPE_PREFIX = 'type.googleapis.com/';
const SPIFFE_VALIDATOR_TYPE = 'envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig';

/** @param findCodec of the messages of `proto/`. */
export function makeSecrets(
  generation: Generation,
  { validator, certificateNames, bundleNames }: Choices,
  findCodec: (name: string) => Codec<object>,
): Secrets {
  const { spiffeId, chain, trustBundle, privateKey } = generation;
  const trustDomain = `spiffe://${spiffeId.trustDomain}`;
  const secretCodec = findCodec(SECRET_TYPE.slice(TYPE_PREFIX.length));
  const made = new Map<string, VersionedSecret>();
  const leafVersion = hash(chain);
  const bundleVersion = hash(trustBundle);

  const certificate = () => ({
    tlsCertificate: {
      certificateChain: inline(chain.map((der) => derToPem('CERTIFICATE', der)).join('')),
      privateKey: inline(privateKey.export({ format: 'pem', type: 'pkcs8' })),
    },
  });
  const bundlePem = () => inline(trustBundle.map((der) => derToPem('CERTIFICATE', der)).join(''));
  const plainBundle = () => ({ validationContext: { trustedCa: bundlePem() } });
  const spiffeBundle = () => {
    const config = { trustDomains: [{ name: spiffeId.trustDomain, trustBundle: bundlePem() }] };
    const value = findCodec(SPIFFE_VALIDATOR_TYPE).encode(config);
    const typedConfig = { type_url: `${TYPE_PREFIX}${SPIFFE_VALIDATOR_TYPE}`, value };
    return { validationContext: { customValidatorConfig: { name: 'envoy.tls.cert_validator.spiffe', typedConfig } } };
  };
  const bundle = validator === 'spiffe' ? spiffeBundle : plainBundle;

  const makers = new Map<string, { readonly version: string; readonly make: () => object }>([
    ...[CERTIFICATE_NAME, spiffeId.toString(), ...certificateNames].map(
      (name) => [name, { version: leafVersion, make: certificate }] as const,
    ),
    ...[BUNDLE_NAME, trustDomain, ...bundleNames].map(
      (name) => [name, { version: bundleVersion, make: bundle }] as const,
    ),
    [ALL_BUNDLES_NAME, { version: bundleVersion, make: spiffeBundle }],
  ]);

  return {
    version: hash([...chain, ...trustBundle]),
    wildcardNames: [spiffeId.toString(), trustDomain],
    find(name) {
      const known = made.get(name);
      if (known !== undefined) return known;
      const maker = makers.get(name);
      if (maker === undefined) return undefined;
      const value = secretCodec.encode({ name, ...maker.make() });
      const secret = { name, version: maker.version, resource: { type_url: SECRET_TYPE, value } };
      made.set(name, secret);
      return secret;
    },
  };
}

/** Short, and without anything secret in it. */
function hash(certificates: readonly Buffer[]): string {
  const sum = createHash('sha256');
  for (const der of certificates) sum.update(der);
  return sum.digest('hex').slice(0, 16);
}

function inline(pem: string | Buffer): { readonly inlineBytes: Buffer } {
  return { inlineBytes: Buffer.from(pem) };
}
