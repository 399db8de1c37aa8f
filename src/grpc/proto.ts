import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { type MessageType, type Method, messages, services } from './proto-types.ts';

/** Bytes of one kind of message. Fields have camelCase names; one that is absent reads as its default. */
export interface Codec<T extends object> {
  encode(message: T): Buffer;
  /** @throws Error when these are no bytes of such a message. */
  decode(bytes: Buffer): T;
}

/** @param name full name of a message of `proto/`: `envoy.extensions.transport_sockets.tls.v3.Secret`. */
export function findCodec<T extends object>(name: string): Codec<T> {
  const type = find(messages, name);
  return {
    encode: (message) => encode(type, message),
    decode: (bytes) => type.decode(bytes) as T,
  };
}

/** @param name full name of a service of `proto/`: `SpiffeWorkloadAPI`. */
export function findService(name: string): ServiceDefinition {
  const methods = Object.entries(find(services, name));
  return Object.fromEntries(methods.map(([method, types]) => [method, defineMethod(`/${name}/${method}`, types)]));
}

function defineMethod(path: string, method: Method): MethodDefinition<object, object> {
  const request = find(messages, method.request);
  const response = find(messages, method.response);
  return {
    path,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: (message) => encode(request, message),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => encode(response, message),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

/** On Node the library's bytes are a Buffer. */
function encode(type: MessageType, message: object): Buffer {
  return type.encode(message).finish() as Buffer;
}

function find<T>(all: Readonly<Record<string, T>>, name: string): T {
  const found = all[name];
  if (found === undefined) throw new RangeError(`proto/ has no ${name}`);
  return found;
}
