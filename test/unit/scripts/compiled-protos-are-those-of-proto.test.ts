import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import t from 'tap';
import { compileProtos } from '../../../scripts/compile-protos.mjs';
import type * as ProtoTypes from '../../../src/grpc/proto-types.ts';
import { type MessageType, messages, services } from '../../../src/grpc/proto-types.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const outfile = join(temporaryDirectory(t), 'types.mjs');
const root = resolve(import.meta.dirname, '../../..');
await build({
  absWorkingDir: root,
  entryPoints: ['src/grpc/proto-types.ts'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('${root}/');` },
  outfile,
  plugins: [compileProtos],
});
const compiled: typeof ProtoTypes = await import(outfile);

/** Every field that is read of a message, defaults included. */
function readFields(message: object): unknown {
  const fields: [string, unknown][] = [];
  for (const name in message) {
    const value = (message as Readonly<Record<string, unknown>>)[name];
    if (typeof value === 'function' || name === '$type') continue;
    const isMessage = typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && !Array.isArray(value);
    fields.push([name, isMessage ? readFields(value) : Array.isArray(value) ? value.map(readItem) : value]);
  }
  return Object.fromEntries(fields.toSorted(([a], [b]) => a.localeCompare(b)));
}

function readItem(item: unknown): unknown {
  return typeof item === 'object' && item !== null && !Buffer.isBuffer(item) ? readFields(item) : item;
}

function roundTrip(writer: MessageType, reader: MessageType, message: object): unknown {
  return readFields(reader.decode(Buffer.from(writer.encode(message).finish())));
}

const EXAMPLES: Readonly<Record<string, object>> = {
  'envoy.service.discovery.v3.DiscoveryRequest': {
    node: { id: 'a', cluster: 'b' },
    resourceNames: ['x', 'y'],
    errorDetail: { code: 3, message: 'no', details: [{ type_url: 't', value: Buffer.from([1, 2]) }] },
  },
  'envoy.service.discovery.v3.DeltaDiscoveryRequest': { initialResourceVersions: { x: '1', y: '2' } },
  'envoy.extensions.transport_sockets.tls.v3.Secret': {
    name: 'default',
    tlsCertificate: { privateKey: { inlineBytes: Buffer.from('key') } },
  },
  'google.protobuf.Struct': {
    fields: { a: { listValue: { values: [{ numberValue: 1.5 }, { boolValue: true }] } }, b: { nullValue: 0 } },
  },
  X509BundlesResponse: { bundles: { 'spiffe://default': Buffer.from([0x30]) }, crl: [Buffer.from([1])] },
};

t.test('services and messages have the same names', async (t) => {
  t.same(compiled.services, services);
  t.same(Object.keys(compiled.messages), Object.keys(messages));
  t.ok(Object.keys(EXAMPLES).every((name) => name in messages));
});

for (const [name, parsed] of Object.entries(messages)) {
  t.test(`${name} is written and read alike`, async (t) => {
    const made = compiled.messages[name];
    if (made === undefined) throw new Error('it was not compiled');
    for (const message of [{}, EXAMPLES[name] ?? {}]) {
      const expected = roundTrip(parsed, parsed, message);
      t.same(roundTrip(made, made, message), expected);
      t.same(roundTrip(made, parsed, message), expected);
      t.same(roundTrip(parsed, made, message), expected);
    }
    t.throws(() => made.decode(Buffer.from([0xff])), 'garbage is refused');
  });
}

t.test('a member of a oneof is known by its name', async (t) => {
  const name = 'envoy.extensions.transport_sockets.tls.v3.Secret';
  const secret = compiled.messages[name]?.decode(
    Buffer.from(compiled.messages[name].encode({ validationContext: {} }).finish()),
  );
  t.equal((secret as { type?: string }).type, 'validationContext');
});
