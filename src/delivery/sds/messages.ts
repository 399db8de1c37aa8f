/**
 * The messages of Envoy's secret discovery, as far as they are read and written here (`proto/envoy`).
 *
 * @module
 */

/** The only kind of resource that is served. */
export const SECRET_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/** google.protobuf.Any */
export interface Any {
  readonly type_url: string;
  readonly value: Buffer;
}

/** Fields that are absent read as empty, or null for messages. */
interface CommonRequest {
  readonly node: { readonly id: string } | null;
  readonly typeUrl: string;
  /** Of the response that is acknowledged or rejected; empty in the first request of a stream. */
  readonly responseNonce: string;
  /** There: the response was rejected, for this reason. */
  readonly errorDetail: { readonly message: string } | null;
}

export interface DiscoveryRequest extends CommonRequest {
  readonly resourceNames: readonly string[];
}

export interface DiscoveryResponse {
  readonly versionInfo: string;
  readonly resources: readonly Any[];
  readonly typeUrl: string;
  readonly nonce: string;
}

export interface DeltaDiscoveryRequest extends CommonRequest {
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  /** What the client has from an earlier stream, by name. */
  readonly initialResourceVersions: Readonly<Record<string, string>>;
}

export interface DeltaDiscoveryResponse {
  readonly systemVersionInfo: string;
  readonly resources: readonly { readonly name: string; readonly version: string; readonly resource: Any }[];
  readonly removedResources: readonly string[];
  readonly typeUrl: string;
  readonly nonce: string;
}
