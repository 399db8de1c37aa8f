import { readFileSync } from 'node:fs';
import t from 'tap';
import { isMap, isScalar, type Pair, parse, parseDocument, type YAMLMap } from 'yaml';
import { EVERYTHING } from '../../helpers/chart-values.ts';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const chart = (path: string) => read(`charts/meshcert/${path}`);

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
}

const schema: Schema = JSON.parse(chart('values.schema.json'));
const values = parseDocument(chart('values.yaml')).contents as YAMLMap;
/** Mappings in which every key is the user's. */
const isFree = ({ properties }: Schema) => properties === undefined;
/** Documented in one sentence: they are the keys of an Agent document. */
const OF_AN_AGENT = 'agent';

/** Every value, and the schema of each: `webhook.replicas`. */
function listValues(map: YAMLMap, under: Schema, path = ''): { name: string; pair: Pair; of: Schema | undefined }[] {
  return map.items.flatMap((pair) => {
    const key = String(pair.key);
    const name = path === '' ? key : `${path}.${key}`;
    const of = under.properties?.[key];
    const deeper = isMap(pair.value) && of !== undefined && !isFree(of) ? listValues(pair.value, of, name) : [];
    return [{ name, pair, of }, ...deeper];
  });
}

function listSchema(under: Schema, path = ''): string[] {
  return Object.entries(under.properties ?? {}).flatMap(([key, one]) => {
    const name = path === '' ? key : `${path}.${key}`;
    return name === OF_AN_AGENT ? [name] : [name, ...listSchema(one, name)];
  });
}

const all = listValues(values, schema);

t.test('each value has a comment right above it', (t) => {
  const lines = chart('values.yaml').split('\n');
  t.ok(all.length > 60);
  for (const { name, pair } of all) {
    const [offset = 0] = isScalar(pair.key) ? (pair.key.range ?? []) : [];
    const line = chart('values.yaml').slice(0, offset).split('\n').length - 1;
    t.match(lines[line - 1], /^ *# .*[.:\])?]$/, name);
  }
  t.end();
});

t.test('values and schema know each other', (t) => {
  t.same(
    all.filter(({ of }) => of === undefined).map(({ name }) => name),
    [],
    'nothing is unknown to the schema',
  );
  // Helm gives `global` to a chart that is a part of another one.
  const known = listSchema(schema).filter((name) => name !== 'global');
  t.same(known.sort(), all.map(({ name }) => name).sort(), 'nothing of the schema is left undocumented');
  t.end();
});

t.test('each mapping with keys of ours takes no others', (t) => {
  const look = (one: Schema, path: string): void => {
    if (one.properties !== undefined) t.equal(one.additionalProperties, false, path);
    for (const [key, value] of Object.entries(one.properties ?? {})) look(value, `${path}.${key}`);
    if (one.items !== undefined) look(one.items, `${path}[]`);
  };
  look(schema, 'values');
  t.end();
});

t.test('`agent` takes the keys of an Agent document that are not each pod’s own', (t) => {
  const page = read('docs/configuration.md');
  const identity = page.slice(page.indexOf('### Identity'), page.indexOf('### The signer of a cluster'));
  const keys = [...identity.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  const ofThePod = ['service', 'backend'];
  const expected = [...keys.filter((key) => !ofThePod.includes(key ?? '')), 'rotation'];
  const known = Object.keys(schema.properties?.[OF_AN_AGENT]?.properties ?? {});
  t.same(known.sort(), expected.sort());
  const comment = chart('values.yaml').split('\nagent:')[0]?.split('\n\n').at(-1) ?? '';
  t.same(
    known.filter((key) => !comment.includes(key)),
    [],
    'and says so',
  );
  t.end();
});

t.test('the tests set every value to another than its default', (t) => {
  const defaults = values.toJSON();
  const get = (from: unknown, name: string) =>
    name.split('.').reduce<unknown>((one, key) => (one as Record<string, unknown> | undefined)?.[key], from);
  const leaves = all.filter(({ pair, of }) => !isMap(pair.value) || (of !== undefined && isFree(of)));
  // What is off by default is left on there; and the other way round elsewhere.
  const unset = leaves.filter(({ name }) => {
    const set = get(EVERYTHING, name);
    return set === undefined || JSON.stringify(set) === JSON.stringify(get(defaults, name));
  });
  t.same(
    unset.map(({ name }) => name),
    ['networkPolicy.enabled', 'monitoring.grafanaDashboard.labels'],
  );
  t.end();
});

t.test('chart, program and package have one version', (t) => {
  const { version } = JSON.parse(read('package.json'));
  t.match(parse(chart('Chart.yaml')), { apiVersion: 'v2', name: 'meshcert', version, appVersion: version });
  t.end();
});
