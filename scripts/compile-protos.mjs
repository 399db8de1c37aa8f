/**
 * Puts compiled code in the place of what reads proto/ as text, so that the built program needs neither the files nor a
 * parser: that would cost it 4 MB. The code is what protobufjs makes of a message when it is first used, made here.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { describeProtos } from '../src/grpc/describe-protos.ts';
import { describeMethods, listMessages, listServices, nameOf, parseProtos } from '../src/grpc/parse-protos.ts';

const PROTO = join(dirname(dirname(fileURLToPath(import.meta.url))), 'proto');

/** For esbuild. */
export const compileProtos = {
  name: 'compile-protos',
  setup({ onLoad }) {
    const replace = (filter, write) => onLoad({ filter }, () => ({ contents: write(), resolveDir: PROTO }));
    replace(/\/src\/grpc\/proto-types\.ts$/, writeTypes);
    replace(/\/src\/grpc\/proto-files\.ts$/, writeFiles);
  },
};

function writeTypes() {
  const root = parseProtos(PROTO);
  const services = Array.from(listServices(root), (service) => [nameOf(service), describeMethods(service)]);
  return `import protobuf from 'protobufjs/minimal.js';
const { Reader, Writer, util } = protobuf;
export const services = ${JSON.stringify(Object.fromEntries(services))};
export const messages = {};
function add(name, fields, make, inner) {
  function ctor() {}
  Object.assign(ctor.prototype, fields);
  // Some hold each other.
  const late = (type) => ({
    encode: (...all) => messages[type].encode(...all),
    decode: (...all) => messages[type].decode(...all),
  });
  messages[name] = { ctor, ...make(inner.map((type) => type && late(type)), ctor.prototype) };
}
${Array.from(listMessages(root), writeMessage).join('')}`;
}

function writeMessage(type) {
  // Makes the prototype.
  const { prototype } = type.ctor;
  const fields = type.fieldsArray.map(({ name }) => `${name}:${writeDefault(prototype[name])}`);
  const inner = type.fieldsArray.map(({ resolvedType }) => {
    return resolvedType instanceof protobuf.Type ? JSON.stringify(nameOf(resolvedType)) : 'undefined';
  });
  const oneofs = type.oneofsArray.map(({ name, oneof }) => {
    return `Object.defineProperty(prototype,${JSON.stringify(name)},{get:util.oneOfGetter(${JSON.stringify(oneof)})});`;
  });
  const code = `{encode:${protobuf.encoder(type)},decode:${protobuf.decoder(type)}}`;
  const make = `(types,prototype)=>{${oneofs.join('')}return${code}}`;
  return `add(${JSON.stringify(nameOf(type))},{${fields.join(',')}},${make},[${inner.join(',')}]);\n`;
}

function writeDefault(value) {
  if (Buffer.isBuffer(value)) return 'Buffer.alloc(0)';
  if (Array.isArray(value)) return 'util.emptyArray';
  if (typeof value === 'object' && value !== null) return 'util.emptyObject';
  return JSON.stringify(value);
}

function writeFiles() {
  return `export const protoFiles = ${JSON.stringify(describeProtos(PROTO))};`;
}
