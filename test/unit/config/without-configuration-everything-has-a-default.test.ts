import t from 'tap';
import { BUILTIN_MESH, loadAgent, loadGood, loadText } from './load-text.ts';

const DEFAULTS = {
  mesh: 'default',
  service: 'web-0',
  tags: {},
  keyType: undefined,
  allow: [],
  deliver: {
    files: [
      {
        directory: '/srv/.meshcert/identity',
        mode: 0o644,
        keyMode: 0o600,
        owner: undefined,
        group: undefined,
        graceMs: 60_000,
        names: {},
        pkcs12: undefined,
      },
    ],
    hooks: [],
    verify: [],
  },
  rotation: { jitterRatio: 0.02, spreads: true, standbyBackends: [], standbyRatio: 0.5 },
  telemetry: { host: '127.0.0.1', port: 9902 },
  admin: { socket: '/srv/.meshcert/admin.sock' },
};

t.test('no configuration at all', async (t) => {
  const { spiffeId, backends, ...config } = loadGood('', { sources: [] });
  t.same(config, {
    ...DEFAULTS,
    backend: {
      name: 'builtin',
      mode: 'STRICT',
      ttlSeconds: 2_592_000,
      requestTimeoutMs: 10_000,
      issuer: { kind: 'builtin', directory: '/srv/.meshcert/ca', caTtlSeconds: 315_360_000 },
    },
    supportedBackends: ['builtin'],
  });
  t.same(backends, [config.backend]);
  t.equal(spiffeId.toString(), 'spiffe://default/web-0');
});

t.test('each part that an Agent document leaves out', async (t) => {
  const { config, lines } = loadAgent('type: Agent\ndeliver:\nrotation: {}\ntelemetry: {address: ""}\nadmin:\n');
  t.same(lines, []);
  t.hasStrict(config, { ...DEFAULTS, supportedBackends: ['ca-1'] });
});

t.test('a Mesh alone', async (t) => {
  t.hasStrict(loadGood(BUILTIN_MESH), { ...DEFAULTS, backend: { name: 'ca-1' } });
});

t.test('an Agent alone uses a builtin CA, and says so', async (t) => {
  const { config, lines } = loadText('type: Agent\nmesh: prod\n');
  t.hasStrict(config, { mesh: 'prod', backend: { name: 'builtin', issuer: { kind: 'builtin' } } });
  t.equal(String(config?.spiffeId), 'spiffe://prod/web-0');
  t.same(lines, [
    'mesh.yaml:1: warning: there is no Mesh document, so a builtin CA is used; give the file of the Mesh with -c, too',
  ]);
});

t.test("the host's name becomes a service", async (t) => {
  for (const [hostName, service] of [
    ['db.example.com', 'db.example.com'],
    ['DESKTOP-7', 'DESKTOP-7'],
    ["Ann's MacBook Pro", 'ann-s-macbook-pro'],
    ['été', 't'],
    ['..', 'localhost'],
    ['', 'localhost'],
  ] as const) {
    t.equal(loadGood('', { sources: [], hostName }).service, service, hostName);
  }
});

t.test('a missing or empty enabledBackend turns mTLS off', async (t) => {
  for (const mtls of ['', 'mtls:', 'mtls: {}', 'mtls: {enabledBackend: "", backends: [{name: a, type: builtin}]}']) {
    const config = loadGood(`type: Mesh\nname: default\n${mtls}\n`);
    t.equal(config.backend, undefined, mtls);
    t.same(config.supportedBackends, mtls.includes('name: a') ? ['a'] : []);
  }
});

t.test('a path that is too long for a socket is told even when nobody wrote it', async (t) => {
  const { config, lines } = loadText('', { sources: [], currentDirectory: `/${'a'.repeat(100)}` });
  t.equal(config, undefined);
  t.equal(lines.length, 1);
  t.match(
    lines[0],
    /^defaults: admin\.socket: the path of a Unix socket has at most 107 bytes, and .* has 122; name a/,
  );
});
