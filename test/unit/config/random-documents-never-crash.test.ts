import t from 'tap';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { EVERY_BACKEND } from './kong-mesh-documents.ts';

const AGENT = `type: Agent
mesh: default
service: web
tags: {kuma.io/service: web}
allow: [spiffe://default/web]
deliver: {files: [{directory: /a, keyMode: "0640", group: 1}], sds: {socket: /s}, hooks: [{exec: [a]}]}
rotation: {jitter: 2%, spread: true, standbyBackends: [], onStart: reissue}
telemetry: {address: "127.0.0.1:9902"}
admin: {socket: /a.sock}
`;

const SECRET = 'hvs.CAESIJ7hT0kenThatNobodyMaySee';

const NESTED: readonly unknown[] = [
  [],
  {},
  [[]],
  [null],
  { a: null },
  { constructor: 1 },
  { toString: 1 },
  { length: 3 },
];
const SCALARS = [null, '', 0, -1, Number.NaN, true, 'x', '../..', '\u0000', ' ', '*', '{pod}', '💥'.repeat(300)];
const SECRETS = [SECRET, [SECRET], { inline: SECRET }, { [SECRET]: SECRET }, { inlineString: { [SECRET]: 1 } }];
const VALUES: readonly unknown[] = [...NESTED, ...SCALARS, ...SECRETS];

/** A small generator of its own, so that a failure can be seen again. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Replaces, removes or adds something somewhere. */
function mutate(value: unknown, random: (below: number) => number): void {
  let holder = value as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(holder);
    const key = keys[random(keys.length)];
    if (key === undefined) break;
    const inside = holder[key];
    if (typeof inside === 'object' && inside !== null && random(5) > 0) {
      holder = inside as Record<string, unknown>;
      continue;
    }
    const replacement = structuredClone(VALUES[random(VALUES.length)]);
    const action = random(4);
    if (action === 0) delete holder[key];
    else if (action === 1 && !Array.isArray(holder)) holder[`${key}s`] = replacement;
    else holder[key] = replacement;
    return;
  }
}

t.test('whatever stands anywhere, loading ends with problems that can be shown', async (t) => {
  const random = makeRandom(7);
  let refused = 0;
  for (let round = 0; round < 400; round += 1) {
    const documents: unknown[] = [parse(EVERY_BACKEND), parse(AGENT)];
    for (let count = 1 + random(4); count > 0; count -= 1) mutate(documents, random);
    const text = documents.map((document) => stringify(document ?? null)).join('---\n');
    const lineCount = text.split('\n').length;
    const { config, problems } = loadConfig({
      sources: [{ file: 'f', text }],
      environment: {},
      hostName: 'h',
      currentDirectory: '/',
    });
    const errors = problems.filter(({ severity }) => severity === 'error');
    if ((config === undefined) !== errors.length > 0) t.fail('a configuration and errors exclude each other', { text });
    for (const { line, message, file } of problems) {
      const isPlaced = file === 'defaults' ? line === 0 : line >= 1 && line <= lineCount;
      if (!isPlaced || message === '' || message.includes('\n'))
        t.fail('a problem without its place', { text, problems });
    }
    refused += errors.length > 0 ? 1 : 0;
  }
  t.ok(refused > 150, 'and many of them are refused');
});

t.test('random bytes never crash', async (t) => {
  const random = makeRandom(11);
  const alphabet = 'a:-[]{}"\'\n\t #&*!|>%@`,?\\0x<~$ é';
  for (let round = 0; round < 1500; round += 1) {
    const text = Array.from({ length: random(60) }, () => alphabet[random(alphabet.length)]).join('');
    loadConfig({ sources: [{ file: 'f', text }], environment: {}, hostName: 'h', currentDirectory: '/' });
  }
  t.pass('all were loaded or refused');
});
