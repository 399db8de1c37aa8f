import t from 'tap';
import type { VaultConfig } from '../../../src/issuer/vault/config.ts';
import { ADDRESS, loadGood, loadText, meshWithVault } from './load-text.ts';

function loadVault(...fromCp: string[]): VaultConfig {
  const issuer = loadGood(meshWithVault(ADDRESS, ...fromCp)).backend?.issuer;
  if (issuer?.kind !== 'vault') throw new Error('no vault');
  return issuer;
}

const file = (path: string) => ({ kind: 'file', path });

for (const [written, auth] of [
  ['token: {file: token}', { method: 'token', token: file('/srv/token') }],
  ['approle: {roleId: {file: id}}', { method: 'approle', roleId: file('/srv/id'), mountPath: 'auth/approle' }],
  [
    'approle: {roleId: {file: id}, secretId: {secret: sec}, mountPath: /v1/auth/vms}',
    { method: 'approle', secretId: { kind: 'secret', name: 'sec' }, mountPath: 'auth/vms' },
  ],
  ['jwt: {tokenPath: a}', { method: 'jwt', role: undefined, token: file('/srv/a'), mountPath: 'auth/jwt' }],
  [
    'jwt: {role: web, token: {secret: a}, mountPath: oidc}',
    { method: 'jwt', role: 'web', token: { kind: 'secret', name: 'a' }, mountPath: 'auth/oidc' },
  ],
  ['aws:', { method: 'aws', role: undefined, mountPath: 'auth/aws', region: 'us-east-1' }],
  ['aws: {}', { method: 'aws', role: undefined, iamServerIdHeader: undefined }],
  [
    'aws: {type: IAM, role: web, iamServerIdHeader: vault.example, region: eu-central-1}',
    { method: 'aws', role: 'web', iamServerIdHeader: 'vault.example', region: 'eu-central-1' },
  ],
  ['tls: {aws: {role: web}}', { method: 'aws', role: 'web' }],
  ['tls: {aws: }', { method: 'aws', role: undefined }],
] as const) {
  t.test(written, async (t) => {
    t.match(loadVault(`auth: {${written}}`).auth, auth);
  });
}

t.test('a client certificate logs in, and is that of the connection', async (t) => {
  const pair = 'clientKey: {secret: sec-2}, clientCert: {file: /tmp/cert.pem}';
  const tls = { clientKey: { kind: 'secret', name: 'sec-2' }, clientCert: file('/tmp/cert.pem') };
  t.match(loadVault(`auth: {tls: {${pair}}}`), {
    auth: { method: 'tls', role: undefined, mountPath: 'auth/cert' },
    tls,
  });
  t.match(loadVault('auth: {tls: {role: web, mountPath: mesh}}', `tls: {${pair}}`), {
    auth: { method: 'tls', role: 'web', mountPath: 'auth/mesh' },
    tls,
  });
  t.match(loadVault(`auth: {tls: {${pair}, aws: {role: web}}}`), { auth: { method: 'aws', role: 'web' }, tls });
  t.match(loadVault('auth: {kubernetes: {role: web}}', `tls: {${pair}}`), { auth: { method: 'kubernetes' }, tls });
});

t.test('a client certificate that cannot reach Vault is refused', async (t) => {
  const auth = 'auth: {tls: {clientKey: {file: a}, clientCert: {file: b}}}';
  const through = loadText(meshWithVault(ADDRESS, auth, 'agentAddress: https://127.0.0.1:8100'));
  t.match(through.lines, [/auth.tls: a client certificate does not get through a Vault Agent; leave agentAddress out/]);
  const plain = loadText(meshWithVault('address: http://127.0.0.1:8200', auth));
  t.match(plain.lines, [/address: to log in with a client certificate, https:\/\/ is needed/]);
  t.same([through.config, plain.config], [undefined, undefined]);
});

t.test('a Vault Agent needs no login of ours', async (t) => {
  for (const agentAddress of ['http://127.0.0.1:8100', 'unix:///run/vault/agent.sock', 'https://localhost:8100']) {
    const { auth, ...read } = loadVault(`agentAddress: "${agentAddress}"`);
    t.same(auth, { method: 'agent' });
    t.match(read, { address: 'https://vault.example:8200', agentAddress });
  }
  t.match(loadGood(meshWithVault('agentAddress: http://127.0.0.1:8100')).backend?.issuer, {
    address: 'http://127.0.0.1:8100',
    agentAddress: 'http://127.0.0.1:8100',
  });
  t.match(loadVault('agentAddress: unix:///a.sock', 'auth: {kubernetes: {role: web}}').auth, { method: 'kubernetes' });
});

for (const [written, message] of [
  ['unix://run/agent.sock', 'expected unix:// and an absolute path, got "unix://run/agent.sock"; write it like http'],
  ['unix:/run/agent.sock', 'expected unix:// and an absolute path'],
  [`unix:///${'a'.repeat(107)}`, 'the path of a Unix socket has at most 107 bytes, and this has 108'],
  ['127.0.0.1:8100', 'expected http:// or https:// and a host'],
  ['http://me:hunter2@agent', 'expected an address without user and password'],
] as const) {
  t.test(`agentAddress ${written.slice(0, 30)} is refused`, async (t) => {
    const { config, lines } = loadText(meshWithVault(ADDRESS, `agentAddress: "${written}"`));
    t.equal(config, undefined);
    t.match(lines[0], `mtls.backends[0].conf.fromCp.agentAddress: ${message}`);
    t.notMatch(lines.join(), 'hunter2');
  });
}
