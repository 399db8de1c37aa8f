import { globSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';

/**
 * Parses every .proto file below a directory, whose imports are relative to it. Fields get camelCase names.
 *
 * @returns everything resolved; google/protobuf/*.proto come with the library.
 * @throws Error where a file is wrong.
 */
export function parseProtos(directory: string): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => join(directory, target);
  root.loadSync(globSync('**/*.proto', { cwd: directory }).toSorted()).resolveAll();
  return root;
}

/** All messages of a root, those inside of others included. */
export function* listMessages(namespace: protobuf.NamespaceBase): Generator<protobuf.Type> {
  for (const item of namespace.nestedArray) {
    if (item instanceof protobuf.Type) yield item;
    if (item instanceof protobuf.Namespace) yield* listMessages(item);
  }
}

export function* listServices(namespace: protobuf.NamespaceBase): Generator<protobuf.Service> {
  for (const item of namespace.nestedArray) {
    if (item instanceof protobuf.Service) yield item;
    else if (item instanceof protobuf.Namespace) yield* listServices(item);
  }
}

/** As it stands in the path of a call: without the leading dot. */
export function nameOf(item: protobuf.ReflectionObject): string {
  return item.fullName.replace(/^\./, '');
}

/** The methods of a service by name. */
export function describeMethods(service: protobuf.Service) {
  return Object.fromEntries(
    service.methodsArray.map(({ name, resolvedRequestType, resolvedResponseType, requestStream, responseStream }) => {
      if (resolvedRequestType === null || resolvedResponseType === null) throw new Error(`${name} has unknown types`);
      const method = {
        request: nameOf(resolvedRequestType),
        requestStream: requestStream === true,
        response: nameOf(resolvedResponseType),
        responseStream: responseStream === true,
      };
      return [name, method];
    }),
  );
}
