/**
 * The messages and services of `proto/`, parsed from its text.
 *
 * In the built program compiled code stands in the place of this file, made of the same text by the same library
 * (scripts/compile-protos.mjs), so that no parser has to be loaded: it would take as much memory as gRPC itself.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { describeMethods, listMessages, listServices, nameOf, parseProtos } from './parse-protos.ts';

const root = parseProtos(fileURLToPath(new URL('../../proto', import.meta.url)));

/** What protobufjs makes of a message, parsed or compiled. */
export interface MessageType {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

export interface Method {
  /** Full names of messages. */
  readonly request: string;
  readonly response: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** By full name. */
export const messages: Readonly<Record<string, MessageType>> = Object.fromEntries(
  listMessages(root).map((type) => [nameOf(type), type]),
);

/** By full name, then by the method's. */
export const services: Readonly<Record<string, Readonly<Record<string, Method>>>> = Object.fromEntries(
  listServices(root).map((service) => [nameOf(service), describeMethods(service)]),
);
