/**
 * Descriptors of `.proto` files, for gRPC reflection. The library has a way of its own to make them, but names no imports
 * in them, and map fields not as descriptor.proto demands, so that Go's reader refuses them.
 *
 * @module
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { IDescriptorProto, IFieldDescriptorProto } from 'protobufjs/ext/descriptor/index.js';
import descriptorProto from 'protobufjs/google/protobuf/descriptor.json' with { type: 'json' };

export interface ProtoFile {
  /** As imports name it: `spiffe/workload/workload.proto`. */
  readonly name: string;
  /** Names of the files that it imports. */
  readonly dependencies: readonly string[];
  /** Full names of what it defines: services with their methods, messages, enums. */
  readonly symbols: readonly string[];
  /** A google.protobuf.FileDescriptorProto in base64. */
  readonly descriptor: string;
}

const FileDescriptorProto = protobuf.Root.fromJSON(descriptorProto).lookupType('google.protobuf.FileDescriptorProto');

interface Source {
  readonly name: string;
  readonly package: string;
  readonly imports: readonly string[];
  /** Its definitions, not resolved. */
  readonly root: protobuf.Root;
}

/** Every `.proto` file below a directory, and those of google/protobuf that they import. */
export function describeProtos(directory: string): ProtoFile[] {
  const own = globSync('**/*.proto', { cwd: directory }).toSorted();
  const ownSources = own.map((name) => parseSource(name, readFileSync(join(directory, name), 'utf8')));
  const imported = new Set(ownSources.flatMap(({ imports }) => imports).filter((name) => !own.includes(name)));
  const sources = [...ownSources, ...[...imported].map(findCommonSource)];
  const all = new protobuf.Root();
  for (const { root } of sources) all.addJSON(root.toJSON().nested ?? {});
  all.resolveAll();
  return sources.map((source) => describeFile(source, all));
}

function parseSource(name: string, text: string): Source {
  const parsed = protobuf.parse(text, new protobuf.Root(), { keepCase: true });
  return { name, package: parsed.package ?? '', imports: parsed.imports ?? [], root: parsed.root };
}

/** What protobuf itself brings: any, duration, struct; none of them imports another. */
function findCommonSource(name: string): Source {
  const common = protobuf.common.get(name);
  if (common === null) throw new Error(`${name} is imported, and there is no such file`);
  return { name, package: 'google.protobuf', imports: [], root: protobuf.Root.fromJSON(common) };
}

function describeFile({ name, package: packageName, imports, root }: Source, all: protobuf.Root): ProtoFile {
  const unresolved = packageName === '' ? root : (root.lookup(packageName) as protobuf.Namespace);
  const items = unresolved.nestedArray.map(({ fullName }) => all.lookup(fullName)).filter((item) => item !== null);
  const descriptor = {
    name,
    package: packageName,
    dependency: [...imports],
    messageType: items.filter((item) => item instanceof protobuf.Type).map(describeMessage),
    enumType: items.filter((item) => item instanceof protobuf.Enum).map(describeEnum),
    service: items.filter((item) => item instanceof protobuf.Service).map(describeService),
    syntax: 'proto3',
  };
  const bytes = FileDescriptorProto.encode(FileDescriptorProto.fromObject(descriptor)).finish();
  return {
    name,
    dependencies: imports,
    symbols: items.flatMap((item) => [...listSymbols(item)]),
    descriptor: Buffer.from(bytes).toString('base64'),
  };
}

function* listSymbols(item: protobuf.ReflectionObject): Generator<string> {
  if (item instanceof protobuf.Namespace || item instanceof protobuf.Enum || item instanceof protobuf.Method) {
    yield item.fullName.slice(1);
  }
  if (item instanceof protobuf.Service) for (const method of item.methodsArray) yield* listSymbols(method);
  if (item instanceof protobuf.Namespace) for (const nested of item.nestedArray) yield* listSymbols(nested);
}

/** Of descriptor.proto. */
const FIELD_TYPES = {
  ...{ double: 1, float: 2, int64: 3, uint64: 4, int32: 5, fixed64: 6, fixed32: 7, bool: 8, string: 9 },
  ...{ message: 11, bytes: 12, uint32: 13, enum: 14, sfixed32: 15, sfixed64: 16, sint32: 17, sint64: 18 },
} as const;
const OPTIONAL = 1;
const REPEATED = 3;

function describeMessage(type: protobuf.Type): IDescriptorProto {
  const maps = type.fieldsArray.filter((field) => field instanceof protobuf.MapField);
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => describeField(field, type)),
    nestedType: [
      ...type.nestedArray.filter((item) => item instanceof protobuf.Type).map(describeMessage),
      ...maps.map(describeMapEntry),
    ],
    enumType: type.nestedArray.filter((item) => item instanceof protobuf.Enum).map(describeEnum),
    oneofDecl: type.oneofsArray.map(({ name }) => ({ name })),
  };
}

function describeField(field: protobuf.Field, { fullName, oneofsArray }: protobuf.Type): IFieldDescriptorProto {
  const isMap = field instanceof protobuf.MapField;
  return {
    name: field.name,
    number: field.id,
    label: field.repeated || isMap ? REPEATED : OPTIONAL,
    ...(isMap
      ? { type: FIELD_TYPES.message, typeName: `${fullName}.${nameMapEntry(field)}` }
      : describeType(field.type, field.resolvedType)),
    ...(field.partOf === null ? {} : { oneofIndex: oneofsArray.indexOf(field.partOf) }),
  };
}

/** A map is a list of entries (descriptor.proto, MessageOptions.map_entry). */
function describeMapEntry(field: protobuf.MapField): IDescriptorProto {
  return {
    name: nameMapEntry(field),
    field: [
      { name: 'key', number: 1, label: OPTIONAL, ...describeType(field.keyType, null) },
      { name: 'value', number: 2, label: OPTIONAL, ...describeType(field.type, field.resolvedType) },
    ],
    options: { mapEntry: true },
  };
}

function nameMapEntry({ name }: protobuf.MapField): string {
  return `${name.replace(/(?:^|_)([a-z0-9])/g, (_, first: string) => first.toUpperCase())}Entry`;
}

function describeType(type: string, resolved: protobuf.Type | protobuf.Enum | null) {
  if (resolved === null) return { type: FIELD_TYPES[type as keyof typeof FIELD_TYPES] };
  const isEnum = resolved instanceof protobuf.Enum;
  return { type: isEnum ? FIELD_TYPES.enum : FIELD_TYPES.message, typeName: resolved.fullName };
}

function describeEnum({ name, values }: protobuf.Enum) {
  return { name, value: Object.entries(values).map(([value, number]) => ({ name: value, number })) };
}

function describeService({ name, methodsArray }: protobuf.Service) {
  return {
    name,
    method: methodsArray.map((method) => ({
      name: method.name,
      inputType: method.resolvedRequestType?.fullName,
      outputType: method.resolvedResponseType?.fullName,
      clientStreaming: method.requestStream === true,
      serverStreaming: method.responseStream === true,
    })),
  };
}
