import t from 'tap';
import type { VaultConfig } from '../../../src/issuer/vault/config.ts';
import { ADDRESS, loadGood, loadText, meshWithVault, TOKEN } from './load-text.ts';

function loadVault(...fromCp: string[]): VaultConfig {
  const issuer = loadGood(meshWithVault(...fromCp)).backend?.issuer;
  if (issuer?.kind !== 'vault') throw new Error('no vault');
  return issuer;
}

t.test('Kubernetes auth, with what is left out', async (t) => {
  t.same(loadVault(ADDRESS, 'auth: {kubernetes: {role: mesh}}').auth, {
    method: 'kubernetes',
    role: 'mesh',
    mountPath: 'auth/kubernetes',
    tokenPath: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    audience: undefined,
  });
  t.hasStrict(loadVault(ADDRESS, 'auth: {kubernetes: {role: mesh, tokenPath: token, audience: vault}}').auth, {
    tokenPath: '/srv/token',
    audience: 'vault',
  });
});

t.test('every way to write a mount of an auth method', async (t) => {
  for (const written of [
    '/v1/auth/my_cluster',
    'v1/auth/my_cluster',
    'auth/my_cluster/',
    '/auth/my_cluster',
    'my_cluster',
  ]) {
    t.hasStrict(loadVault(ADDRESS, `auth: {kubernetes: {role: mesh, mountPath: ${written}}}`).auth, {
      mountPath: 'auth/my_cluster',
    });
  }
});

t.test('pkiPath holds mount and role', async (t) => {
  for (const [written, pki, role] of [
    ['pki-int/sign/example-dot-com', 'pki-int', 'example-dot-com'],
    ['/v1/pki-int/sign/example-dot-com', 'pki-int', 'example-dot-com'],
    ['team/pki/issue/web', 'team/pki', 'web'],
  ] as const) {
    t.hasStrict(loadVault(ADDRESS, TOKEN, `pkiPath: ${written}`), { pki, role });
  }
  t.match(
    loadText(meshWithVault(ADDRESS, TOKEN, 'pkiPath: pki-int/roles/web')).lines[0],
    'fromCp.pkiPath: expected the path of a signing role, got "pki-int/roles/web"; write it like pki-int/sign/example-dot-com',
  );
});

t.test('pkiPath excludes pki and role', async (t) => {
  t.same(loadText(meshWithVault(ADDRESS, TOKEN, 'pkiPath: a/sign/b', 'pki: a', 'role: b')).lines, [
    'mesh.yaml:13: mtls.backends[0].conf.fromCp.pki: expected either pkiPath, or pki and role; pkiPath holds both',
    'mesh.yaml:14: mtls.backends[0].conf.fromCp.role: expected either pkiPath, or pki and role; pkiPath holds both',
  ]);
});

t.test('slashes at the ends of mounts and namespaces go', async (t) => {
  t.hasStrict(loadVault(ADDRESS, TOKEN, 'pki: /team/pki/', 'namespace: admin/mesh/'), {
    pki: 'team/pki',
    namespace: 'admin/mesh',
  });
});

t.test('what could lead out of its path is refused', async (t) => {
  for (const line of ['pki: ../sys', 'pki: a/../b', 'pki: "a?b"', 'role: a/b', 'role: ..', 'namespace: "a b"']) {
    t.equal(loadText(meshWithVault(ADDRESS, TOKEN, line)).config, undefined, line);
  }
});

t.test('addresses', async (t) => {
  for (const [written, address] of [
    ['https://vault.example:8200', 'https://vault.example:8200'],
    ['HTTPS://vault.example:8200/', 'https://vault.example:8200'],
    ['https://[::1]:8200', 'https://[::1]:8200'],
    ['http://127.0.0.1:8200', 'http://127.0.0.1:8200'],
    ['https://vault', 'https://vault'],
  ] as const) {
    t.equal(loadVault(`address: "${written}"`, TOKEN).address, address);
  }
  for (const written of [
    'vault:8200',
    'ftp://vault',
    'https://',
    'https://vault:99999',
    'https://vault/v1',
    'https://a b',
    'https://vault?x',
    'https://[:::1]',
    'https://10.0.0.300',
  ]) {
    const { config, lines } = loadText(meshWithVault(`address: "${written}"`, TOKEN));
    t.equal(config, undefined, written);
    t.match(lines[0], /fromCp.address: expected .* got ".*"; write it like https:\/\/vault\.example:8200/);
  }
  const { lines } = loadText(meshWithVault('address: https://me:hunter2@vault', TOKEN));
  t.match(lines[0], 'expected an address without user and password');
  t.notMatch(lines.join(), 'hunter2');
});

t.test('a missing address is named', async (t) => {
  for (const line of ['address: ""', 'address:', '']) {
    t.match(loadText(meshWithVault(line, TOKEN)).lines[0], 'conf.fromCp.address: missing; write it like');
  }
  t.match(
    loadText(meshWithVault('')).lines[0],
    'mesh.yaml:9: mtls.backends[0].conf.fromCp: missing: expected the address',
  );
});

t.test('what loads but deserves a word', async (t) => {
  for (const [lines, expected] of [
    [
      ['tls: {skipVerify: true}'],
      'warning: mtls.backends[0].conf.fromCp.tls.skipVerify: the certificate of Vault is not checked',
    ],
    [
      ['agentAddress: http://vault-agent:8100'],
      'warning: mtls.backends[0].conf.fromCp.agentAddress: credentials travel unencrypted; use https',
    ],
  ] as const) {
    const loaded = loadText(meshWithVault(ADDRESS, TOKEN, ...lines));
    t.ok(loaded.config);
    t.match(loaded.lines, [expected]);
  }
  const plain = loadText(meshWithVault('address: http://vault.example:8200', TOKEN));
  t.ok(plain.config);
  t.match(plain.lines, ['warning: mtls.backends[0].conf.fromCp.address: credentials travel unencrypted; use https']);
});
