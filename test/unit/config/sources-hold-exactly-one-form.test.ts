import t from 'tap';
import { ADDRESS, loadText, meshWithVault } from './load-text.ts';

function loadToken(source: string) {
  const { config, lines } = loadText(meshWithVault(ADDRESS, `auth: {token: ${source}}`));
  const issuer = config?.backend?.issuer;
  const auth = issuer?.kind === 'vault' ? issuer.auth : undefined;
  return { token: auth?.method === 'token' ? auth.token : undefined, lines };
}

const PEM = '-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n';

t.test('the four forms', async (t) => {
  t.same(loadToken('{secret: token-1}').token, { kind: 'secret', name: 'token-1' });
  t.same(loadToken('{file: /run/token}').token, { kind: 'file', path: '/run/token' });
  t.same(loadToken('{file: run/token}').token, { kind: 'file', path: '/srv/run/token' });
  t.same(loadToken('{inlineString: hvs.abc}').token, { kind: 'inline', value: 'hvs.abc' });
  t.same(loadToken('{inline: aHZzLmFiYw==}').token, { kind: 'inline', value: 'hvs.abc' });
  t.same(loadToken('{inline: "aHZz\\n LmFiYw"}').token, { kind: 'inline', value: 'hvs.abc' }, 'folded and unpadded');
  t.same(loadToken(`{inline: "${PEM}"}`).token, { kind: 'inline', value: PEM.replaceAll('\\n', '\n') });
});

t.test('empty forms count as absent', async (t) => {
  t.same(loadToken('{secret: "", file: /run/token, inline: , inlineString: ""}').token, {
    kind: 'file',
    path: '/run/token',
  });
});

for (const [source, message] of [
  ['{}', 'expected exactly one of secret, file, inline, inlineString, got none'],
  ['{secret: ""}', 'got none'],
  ['{secret: a, file: b}', 'expected exactly one of secret, file, inline, inlineString, got secret and file'],
  ['hvs.abc', 'auth.token: expected a mapping (secret, file, inline, inlineString), got text'],
  ['{secret: ../../etc/passwd}', 'auth.token.secret: expected the name of a secret'],
  ['{secret: 7}', 'auth.token.secret: expected the name of a secret, got a number'],
  ['{fil: /x}', 'auth.token.fil: unknown key; did you mean "file"?'],
  ['{file: "a\\nb"}', 'auth.token.file: expected a path, got text with line breaks'],
  ['{inline: hvs.abc}', 'auth.token.inline: expected base64 of text, or PEM; write plain text as "inlineString"'],
  ['{inline: aGVs.bG8=}', 'auth.token.inline: expected base64 of text, or PEM'],
  ['{inline: root}', 'auth.token.inline: expected base64 of text, or PEM'],
  ['{inlineString: 5}', 'auth.token.inlineString: expected text, got a number; put it in quotes'],
] as const) {
  t.test(`${source} is refused`, async (t) => {
    const { token, lines } = loadToken(source);
    t.equal(token, undefined);
    t.equal(lines.length, 1, lines.join('\n'));
    t.match(lines[0], message);
  });
}

t.test('inline values are warned of once', async (t) => {
  const { config, lines } = loadText(
    meshWithVault(
      ADDRESS,
      'tls: {caCert: {inlineString: x}}',
      'auth: {token: {inlineString: x}}',
      'caChain: {inlineString: x}',
    ),
  );
  t.ok(config);
  t.equal(lines.length, 1);
  t.match(lines[0], 'a value that stands in the configuration is for development only; use secret or file');
});
