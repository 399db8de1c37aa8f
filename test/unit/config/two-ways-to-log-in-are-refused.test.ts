import t from 'tap';
import { keepClientCertificate, VAULT_KUBERNETES, VAULT_UNIVERSAL } from './kong-mesh-documents.ts';
import { ADDRESS, loadText, meshWithVault, TOKEN } from './load-text.ts';

t.test('token and tls together, as the sample shows them', async (t) => {
  for (const [text, where] of [
    [VAULT_KUBERNETES, 'mesh.yaml:24: spec.mtls'],
    [VAULT_UNIVERSAL, 'mesh.yaml:21: mtls'],
  ] as const) {
    const { config, lines } = loadText(text);
    t.equal(config, undefined);
    t.ok(
      lines.includes(
        `${where}.backends[0].conf.fromCp.auth: only one way to log in is allowed, got token and tls; keep the one to be used`,
      ),
      lines.join('\n'),
    );
  }
});

t.test('the client certificate alone is known, and not in this version', async (t) => {
  const { config, lines } = loadText(keepClientCertificate(VAULT_UNIVERSAL));
  t.equal(config, undefined);
  t.match(lines.at(-1), 'mtls.backends[0].conf.fromCp.auth.tls: not in this version yet; use token or kubernetes');
});

for (const [auth, message] of [
  ['auth: {}', 'auth: missing: expected one way to log in; known here: token, kubernetes'],
  ['auth:', 'auth: missing: expected one way to log in'],
  ['auth: {token: , kubernetes: ""}', 'auth: missing: expected one way to log in'],
  ['auth: {aws: }', 'auth.aws: not in this version yet'],
  ['auth: {approle: {roleId: x}}', 'auth.approle: not in this version yet'],
  ['auth: {jwt: {role: x}}', 'auth.jwt: not in this version yet'],
  ['auth: {tokne: {secret: a}}', 'auth.tokne: unknown key; did you mean "token"?'],
  ['auth: s.token', 'auth: expected a mapping (token, kubernetes, tls, aws, approle, jwt), got text'],
  ['auth: {kubernetes: {}}', 'auth.kubernetes.role: missing: expected the role'],
  ['auth: {kubernetes: {role: a, rol: b}}', 'auth.kubernetes.rol: unknown key; did you mean "role"?'],
] as const) {
  t.test(`"${auth}" is refused`, async (t) => {
    const { config, lines } = loadText(meshWithVault(ADDRESS, auth));
    t.equal(config, undefined);
    t.match(lines[0], `mtls.backends[0].conf.fromCp.${message}`);
  });
}

t.test('no auth at all is refused', async (t) => {
  t.match(loadText(meshWithVault(ADDRESS)).lines[0], 'fromCp.auth: missing: expected one way to log in');
});

t.test('agentAddress that holds something is refused', async (t) => {
  const { lines } = loadText(meshWithVault(ADDRESS, TOKEN, 'agentAddress: http://127.0.0.1:8100'));
  t.same(lines, ['mesh.yaml:12: mtls.backends[0].conf.fromCp.agentAddress: not in this version yet; use address']);
});
