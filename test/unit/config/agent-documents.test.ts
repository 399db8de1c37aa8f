import t from 'tap';
import { BUILTIN_MESH, loadAgent, loadText } from './load-text.ts';

/** What an entry of `files` has without being asked. */
const FILES = { graceMs: 60_000, names: {}, pkcs12: undefined };

t.test('every key that this version knows', async (t) => {
  const { config, lines } = loadAgent(`type: Agent
mesh: default                      # which Mesh document
service: web                       # -> spiffe://default/web
trustDomain: prod.example
spiffeId: "/{service}"
tags: {kuma.io/service: web, version: v1}
keyType: rsa-3072
allow: [spiffe://default/frontend, "spiffe://default/batch/*", "spiffe://other/*"]
deliver:
  files:
  - {directory: /var/run/meshcert, keyMode: "0640", group: 1337}
  - {directory: ./other, mode: "444", keyMode: "0o400", owner: 0}
  sds:
  workloadApi: ""
  hooks: []
  verify: []
rotation: {jitter: 1.5%, spread: false, standbyBackends: [], onStart: reissue}
telemetry: {address: "[::1]:0"}
admin: {socket: /var/run/meshcert/admin.sock}
`);
  t.same(lines, []);
  const { spiffeId, backend, backends, supportedBackends, ...rest } = config ?? {};
  t.equal(String(spiffeId), 'spiffe://prod.example/web');
  t.same(rest, {
    mesh: 'default',
    service: 'web',
    tags: { 'kuma.io/service': 'web', version: 'v1' },
    keyType: 'rsa-3072',
    allow: ['spiffe://default/frontend', 'spiffe://default/batch/*', 'spiffe://other/*'],
    deliver: {
      files: [
        { ...FILES, directory: '/var/run/meshcert', mode: 0o644, keyMode: 0o640, owner: undefined, group: 1337 },
        { ...FILES, directory: '/srv/other', mode: 0o444, keyMode: 0o400, owner: 0, group: undefined },
      ],
      hooks: [],
      verify: [],
    },
    rotation: { jitterRatio: 0.015, spreads: false, standbyBackends: [], standbyRatio: 0.5 },
    telemetry: { host: '::1', port: 0 },
    admin: { socket: '/var/run/meshcert/admin.sock' },
  });
});

for (const [text, message] of [
  ['rotation: {standbyBackends: [vault-2]}', 'rotation.standbyBackends[0]: expected a backend of the Mesh (ca-1)'],
  ['rotation: {standbyAfter: 1}', 'rotation.standbyAfter: expected a share in percent, got a number'],
  ['rotation: {onStart: reuse}', 'rotation.onStart: anything but "reissue" is not in this version yet'],
  ['deliver: {file: []}', 'deliver.file: unknown key; did you mean "files"?'],
  ['deliver: {files: []}', 'deliver.files: expected at least one directory'],
  ['deliver: {files: {directory: /x}}', 'deliver.files: expected a list, got a mapping; start each entry with "- "'],
  ['deliver: {files: [{mode: "0644"}]}', 'deliver.files[0].directory: missing'],
  ['deliver: {files: [{directory: ""}]}', 'deliver.files[0].directory: missing'],
  ['deliver: {files: [ ]}', 'deliver.files: expected at least one directory'],
  [
    'deliver: {files: [/run/x]}',
    'deliver.files[0]: expected a mapping (directory, mode, keyMode, owner, group, grace, names, pkcs12), got text',
  ],
  [
    'deliver: {files: [{directory: /a}, {directory: /b/../a/}]}',
    'deliver.files[1].directory: another entry has the directory "/a", too',
  ],
  [
    'deliver: {files: [{directory: /a, keyMode: 0640}]}',
    'expected permission bits in quotes: YAML reads bare digits as decimal; write four',
  ],
  ['deliver: {files: [{directory: /a, mode: "0888"}]}', 'deliver.files[0].mode: expected permission bits, got "0888"'],
  [
    'deliver: {files: [{directory: /a, keyMode: "4600"}]}',
    'deliver.files[0].keyMode: expected permission bits, got "4600"',
  ],
  ['deliver: {files: [{directory: /a, owner: nobody}]}', 'deliver.files[0].owner: expected a whole number from 0'],
  [
    'deliver: {files: [{directory: /a, group: -1}]}',
    'deliver.files[0].group: expected a whole number from 0 to 4294967294, got -1',
  ],
  ['rotation: {jitter: 2.1%}', 'rotation.jitter: expected at most 2%, got "2.1%"; a longer delay'],
  ['rotation: {jitter: 0.02}', 'rotation.jitter: expected a share in percent, got a number; write it like 2%'],
  ['rotation: {jiter: 1%}', 'rotation.jiter: unknown key; did you mean "jitter"?'],
  ['telemetry: {address: "9902"}', 'telemetry.address: expected host:port, got "9902"'],
  ['telemetry: {address: "::1:9902"}', 'telemetry.address: expected host:port'],
  ['telemetry: {address: "localhost:70000"}', 'telemetry.address: expected host:port'],
  ['telemetry: {address: ":9902"}', 'for every interface, write 0.0.0.0:9902'],
  ['keyType: ec', 'keyType: expected one of auto, ec-p256, ec-p384, rsa-2048, rsa-3072, rsa-4096, got "ec"'],
  ['trustDomain: Prod', 'trustDomain: expected a trust domain of a-z, 0-9, ".", "-" and "_", got "Prod"'],
  ['mesh: ../x', 'mesh: expected a name of a-z, 0-9, ".", "-" and "_", got "../x"'],
  ['service: a//b', 'service: "spiffe://default/a//b" is not a SPIFFE ID of a workload: a path has no empty segment'],
  ['spiffeId: service', 'spiffeId: "spiffe://defaultservice" is not a SPIFFE ID of a workload: a path starts with "/"'],
  ['tags: [a]', 'tags: expected a mapping of names to text, got a list'],
  ['tags: {version: 1}', 'tags.version: expected text, got a number; put it in quotes'],
  ['tags: {kuma.io/zone: 1}', 'tags["kuma.io/zone"]: expected text, got a number'],
  ['allow: spiffe://default/web', 'allow: expected a list, got text'],
  ['allow: [spiffe://default/web, web]', 'allow[1]: expected a SPIFFE ID, exact or ending in "/*", got "web"'],
  ['allow: ["spiffe://default/w*"]', 'allow[0]: expected a SPIFFE ID'],
  ['allow: [spiffe://default]', 'allow[0]: expected a SPIFFE ID'],
  [`admin: {socket: /${'x'.repeat(107)}}`, 'admin.socket: the path of a Unix socket has at most 107 bytes'],
  ['admin: {sock: /x}', 'admin.sock: unknown key; did you mean "socket"?'],
  ['name: web', 'name: unknown key; known here: type, mesh, service'],
] as const) {
  t.test(`${text} is refused`, async (t) => {
    const { config, lines } = loadAgent(`type: Agent\n${text}\n`);
    t.equal(config, undefined);
    t.equal(lines.length, 1, lines.join('\n'));
    t.match(lines[0], message);
    t.match(lines[0], /^agent\.yaml:2: /);
  });
}

t.test('a socket of 107 bytes is taken', async (t) => {
  t.ok(loadAgent(`type: Agent\nadmin: {socket: /${'x'.repeat(106)}}\n`).config);
});

t.test('a key that everybody may read is warned of', async (t) => {
  const { config, lines } = loadAgent('type: Agent\ndeliver: {files: [{directory: /a, keyMode: "0644"}]}\n');
  t.ok(config);
  t.match(lines, [
    'agent.yaml:2: warning: deliver.files[0].keyMode: every user of this machine may read the private key',
  ]);
});

t.test('a second Agent document is refused', async (t) => {
  const { config, lines } = loadText(`${BUILTIN_MESH}---\ntype: Agent\n---\ntype: Agent\n`);
  t.equal(config, undefined);
  t.same(lines, ['mesh.yaml:10: expected one Agent document, and there is one at mesh.yaml:8']);
});
