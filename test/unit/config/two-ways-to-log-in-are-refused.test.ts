import t from 'tap';
import { ADDRESS, loadText, meshWithVault } from './load-text.ts';

for (const [auth, message] of [
  ['auth: {}', 'auth: missing: expected one way to log in; known here: token, kubernetes, tls, aws, approle, jwt'],
  ['auth:', 'auth: missing: expected one way to log in'],
  ['auth: {token: , kubernetes: ""}', 'auth: missing: expected one way to log in'],
  [
    'auth: {token: {secret: a}, kubernetes: {role: b}}',
    'auth: only one way to log in is allowed, got token and kubernetes',
  ],
  ['auth: {token: {secret: a}, aws: }', 'auth: only one way to log in is allowed, got token and aws; keep the one'],
  ['auth: {token: {secret: a}, tls: {aws: {}}}', 'auth: only one way to log in is allowed, got token and aws'],
  ['auth: {aws: {type: EC2}}', 'auth.aws.type: logging in with the EC2 identity document is not supported; use IAM'],
  ['auth: {aws: {type: ec2}}', 'auth.aws.type: expected one of IAM, EC2, got "ec2"; did you mean "EC2"?'],
  ['auth: {approle: {secretId: {file: a}}}', 'auth.approle.roleId: missing: expected the role ID; read it with: vault'],
  ['auth: {approle: {roleId: x}}', 'auth.approle.roleId: expected a mapping (secret, file, inline, inlineString)'],
  ['auth: {jwt: {role: x}}', 'auth.jwt: expected either token or tokenPath, got none'],
  ['auth: {jwt: {tokenPath: a, token: {file: b}}}', 'auth.jwt: expected either token or tokenPath, got both'],
  ['auth: {tls: {}}', 'auth.tls: missing: expected clientCert and clientKey to log in with'],
  ['auth: {tls: {clientCert: {file: a}}}', 'tls.clientKey: missing: a client certificate and its key belong together'],
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
