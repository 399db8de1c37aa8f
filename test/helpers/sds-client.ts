import { once } from 'node:events';
import type { Client, ClientDuplexStream, ServiceError, StatusObject } from '@grpc/grpc-js';
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
  SECRET_TYPE,
} from '../../src/delivery/sds/messages.ts';
import { SDS_SERVICE } from '../../src/delivery/sds/sds.ts';
import { findCodec, findService } from '../../src/grpc/proto.ts';

/** What a stream got, in its order; a test reads one after the other. */
export interface SdsStream<Request, Response> {
  /** Fields that are left out are absent. */
  send(request: Partial<Request>): void;
  /** The next response. Throws the status that the stream ended with. */
  next(): Promise<Response>;
  /** Responses that came, and were not read yet. */
  readonly unread: readonly Response[];
  readonly call: ClientDuplexStream<Partial<Request>, Response>;
  /** The status that the stream ends with. */
  readonly status: Promise<StatusObject>;
  cancel(): void;
}

/** A secret as Envoy reads it. */
export interface ReadSecret {
  readonly name: string;
  /** PEM */
  readonly certificateChain?: string;
  readonly privateKey?: string;
  /** PEM, of `trusted_ca`. */
  readonly trustedCa?: string;
  /** PEM by trust domain, of the SPIFFE validator. */
  readonly trustDomains?: Readonly<Record<string, string>>;
}

const methods = findService(SDS_SERVICE);

function findMethod(name: string) {
  const method = methods[name];
  if (method === undefined) throw new RangeError(`there is no method ${name}`);
  return method;
}

/** StreamSecrets. */
export function streamSecrets(client: Client): SdsStream<DiscoveryRequest, DiscoveryResponse> {
  return openStream(client, 'StreamSecrets');
}

/** DeltaSecrets. */
export function streamDeltaSecrets(client: Client): SdsStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  return openStream(client, 'DeltaSecrets');
}

/** FetchSecrets. @throws ServiceError */
export function fetchSecrets(client: Client, request: Partial<DiscoveryRequest>): Promise<DiscoveryResponse> {
  const { path, requestSerialize, responseDeserialize } = findMethod('FetchSecrets');
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<object, DiscoveryResponse>(
      path,
      requestSerialize,
      responseDeserialize,
      { typeUrl: SECRET_TYPE, ...request },
      (error, response) => (error !== null || response === undefined ? reject(error) : resolve(response)),
    );
  });
}

function openStream<Request, Response>(client: Client, name: string): SdsStream<Request, Response> {
  const { path, requestSerialize, responseDeserialize } = findMethod(name);
  const call = client.makeBidiStreamRequest<object, Response>(path, requestSerialize, responseDeserialize);
  const unread: Response[] = [];
  let failure: ServiceError | undefined;
  call.on('data', (response: Response) => unread.push(response));
  call.on('error', (error: ServiceError) => {
    failure = error;
  });
  // Not `once` of node:events: an error comes before it.
  const status = new Promise<StatusObject>((resolve) => call.once('status', resolve));
  return {
    call: call as ClientDuplexStream<Partial<Request>, Response>,
    unread,
    status,
    send: (request) => void call.write({ typeUrl: SECRET_TYPE, ...request }),
    async next() {
      while (unread.length === 0) {
        if (failure !== undefined) throw failure;
        await Promise.race([once(call, 'data'), once(call, 'error').catch(() => undefined)]);
      }
      return unread.shift() as Response;
    },
    cancel: () => call.cancel(),
  };
}

interface DataSource {
  readonly inlineBytes: Buffer;
}

interface SecretMessage {
  readonly name: string;
  readonly tlsCertificate: { readonly certificateChain: DataSource; readonly privateKey: DataSource } | null;
  readonly validationContext: {
    readonly trustedCa: DataSource | null;
    readonly customValidatorConfig: { readonly typedConfig: { readonly value: Buffer } } | null;
  } | null;
}

interface ValidatorMessage {
  readonly trustDomains: readonly { readonly name: string; readonly trustBundle: DataSource }[];
}

const secretCodec = findCodec<SecretMessage>('envoy.extensions.transport_sockets.tls.v3.Secret');
const validatorCodec = findCodec<ValidatorMessage>(
  'envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig',
);

/** Decodes one resource of a response. */
export function readSecret({ value }: { readonly value: Buffer }): ReadSecret {
  const { name, tlsCertificate, validationContext } = secretCodec.decode(value);
  const read = (source: DataSource | null | undefined) => source?.inlineBytes.toString();
  const validator = validationContext?.customValidatorConfig?.typedConfig.value;
  const trustDomains = validator && validatorCodec.decode(validator).trustDomains;
  const secret = {
    name,
    certificateChain: read(tlsCertificate?.certificateChain),
    privateKey: read(tlsCertificate?.privateKey),
    trustedCa: read(validationContext?.trustedCa),
    trustDomains:
      trustDomains &&
      Object.fromEntries(trustDomains.map(({ name: domain, trustBundle }) => [domain, read(trustBundle)])),
  };
  return Object.fromEntries(Object.entries(secret).filter(([, value]) => value !== undefined)) as unknown as ReadSecret;
}
