import t from 'tap';
import { loadGood, loadText } from './load-text.ts';

const mesh = (conf: string) =>
  `type: Mesh\nname: default\nmtls:\n  enabledBackend: a\n  backends:\n  - {name: a, type: provided, conf: ${conf}}\n`;
const PEM = '"-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----"';
const BOTH = '"-----BEGIN CERTIFICATE-----\\n-----BEGIN PRIVATE KEY-----\\n"';

t.test('each form of a source, as in the documents of Kuma', async (t) => {
  const read = (conf: string) => loadText(mesh(conf)).config?.backend?.issuer;
  t.same(read('{cert: {secret: my-cert}, key: {secret: my-key}}'), {
    kind: 'provided',
    cert: { kind: 'secret', name: 'my-cert' },
    key: { kind: 'secret', name: 'my-key' },
  });
  t.same(read('{cert: {file: ca.crt}, key: {file: keys/ca.key}}'), {
    kind: 'provided',
    cert: { kind: 'file', path: '/srv/ca.crt' },
    key: { kind: 'file', path: '/srv/keys/ca.key' },
  });
  t.match(read(`{cert: {inline: ${Buffer.from('the cert').toString('base64')}}, key: {inlineString: the key}}`), {
    cert: { kind: 'inline', value: 'the cert' },
    key: { kind: 'inline', value: 'the key' },
  });
});

t.test('the key may stand beside the certificate', async (t) => {
  t.match(loadGood(mesh('{cert: {secret: both}}')).backend?.issuer, { key: undefined });
  t.match(loadText(mesh(`{cert: {inlineString: ${BOTH}}}`)).config?.backend?.issuer, { key: undefined });
});

t.test('inline is for development, which is said once', async (t) => {
  const { config, lines } = loadText(mesh(`{cert: {inlineString: ${PEM}}, key: {inline: a2V5}}`));
  t.ok(config);
  t.same(lines, [
    'mesh.yaml:6: warning: mtls.backends[0].conf.cert: a value that stands in the configuration is for development only; use secret or file',
  ]);
});

t.test('mistakes, each at its place, without showing a value', async (t) => {
  const at = 'mesh.yaml:6: mtls.backends[0].conf';
  const write = 'write it like {secret: NAME} or {file: PATH}';
  const noCert = `${at}.cert: missing: expected where the certificate of the CA is; ${write}`;
  const noKey = `${at}.key: missing: expected where the private key of the CA is; ${write}`;
  for (const [conf, mistakes] of [
    ['', [noCert, noKey]],
    ['{cert: , key: ""}', [noCert, noKey]],
    ['{key: {secret: k}}', [noCert]],
    [`{cert: {inlineString: ${PEM}}}`, [noKey]],
    [
      '{cert: {secret: c}, key: {}}',
      [`${at}.key: expected exactly one of secret, file, inline, inlineString, got none`],
    ],
    [
      '{cert: {secret: c, file: f}, key: {secret: k}}',
      [`${at}.cert: expected exactly one of secret, file, inline, inlineString, got secret and file`],
    ],
    [
      '{cert: {inline: "###"}, key: {inline: "//79"}}',
      [
        `${at}.cert.inline: expected base64 of text, or PEM; write plain text as "inlineString"`,
        `${at}.key.inline: expected base64 of text, or PEM; write plain text as "inlineString"`,
      ],
    ],
    [
      '{cert: {secret: ../c}, key: {secrt: k}}',
      [/conf\.cert\.secret: expected the name of a secret/, /did you mean "secret"/],
    ],
    ['{cert: c, key: {secret: k}, ca: 1}', [/conf\.ca: unknown key/, /conf\.cert: expected a mapping/]],
    ['[c, k]', [`${at}: expected a mapping (cert, key), got a list`]],
  ] as const) {
    const { config, lines } = loadText(mesh(conf));
    t.equal(config, undefined, conf);
    t.match(lines.sort(), [...mistakes], conf);
    t.equal(lines.length, mistakes.length, lines.join('\n'));
  }
});
