import t from 'tap';
import { loadAgent } from './load-text.ts';

const load = (more: string) => loadAgent(`type: Agent\ndeliver: {files: [{directory: /a, ${more}}]}\n`);

t.test('names, grace and key stores', async (t) => {
  const { config, lines } = load(
    'names: {tls.crt: svid.pem, tls.key: svid_key.pem, ca.crt: "", keystore.p12: tls.crt}, grace: 5m, pkcs12: {password: {file: pass}}',
  );
  t.same(lines, []);
  t.match(config?.deliver.files, [
    {
      names: { 'tls.crt': 'svid.pem', 'tls.key': 'svid_key.pem', 'keystore.p12': 'tls.crt' },
      graceMs: 300_000,
      pkcs12: { password: { kind: 'file', path: '/srv/pass' } },
    },
  ]);
});

for (const [more, message] of [
  ['names: {cert: x}', 'names.cert: unknown key; known here: tls.crt, tls.key'],
  ['names: {tls.cert: x}', 'names["tls.cert"]: unknown key; did you mean "tls.crt"?'],
  ['names: [tls.crt]', 'names: expected a mapping (tls.crt, tls.key'],
  [
    'names: {tls.crt: a/b.pem}',
    'names["tls.crt"]: expected the name of a file without "/" and not beginning with "..", got "a/b.pem"',
  ],
  ['names: {tls.crt: ..data}', 'not beginning with "..", got "..data"'],
  ['names: {tls.crt: .}', 'expected the name of a file'],
  ['names: {tls.crt: tls.key}', 'names["tls.crt"]: "tls.key" has this name, too'],
  ['names: {tls.crt: x, tls.key: x}', 'names["tls.key"]: "tls.crt" has this name, too'],
  ['grace: 25h', 'grace: expected at most 24h; old private keys stay for so long'],
  ['grace: 60', 'grace: expected a duration, got a number'],
  ['pkcs12: true', 'pkcs12: expected a mapping (password), got true or false'],
  [
    'pkcs12: {password: t0psecret}',
    'pkcs12.password: expected a mapping (secret, file, inline, inlineString), got text',
  ],
  ['pkcs12: {}', 'pkcs12.password: missing: expected where the password comes from'],
  [
    'pkcs12: {t0psecret: x, password: {file: y}}',
    'pkcs12: unknown key, not shown as it may be a value; known here: password',
  ],
] as const) {
  t.test(`${more} is refused`, async (t) => {
    const { config, lines } = load(more);
    t.equal(config, undefined);
    t.equal(lines.length, 1, lines.join('\n'));
    t.match(lines[0], `agent.yaml:2: deliver.files[0].`);
    t.match(lines[0], message);
    t.notMatch(lines[0], 't0psecret');
  });
}

t.test('a password that stands in the configuration is warned of', async (t) => {
  const { config, lines } = load('pkcs12: {password: {inlineString: changeit}}');
  t.ok(config);
  t.match(lines, [/warning: .*for development only/]);
});
