import t from 'tap';
import { loadAgent } from './load-text.ts';

const deliverOf = (text: string) => loadAgent(`type: Agent\ndeliver: ${text}\n`);

t.test('a socket alone: group and modes have defaults, and there are no files', async (t) => {
  const { config, lines } = deliverOf('{workloadApi: {socket: run/w.sock}}');
  t.same(lines, []);
  t.same(config?.deliver.files, []);
  t.same(config?.deliver.workloadApi, {
    socket: '/srv/run/w.sock',
    mode: 0o660,
    directoryMode: 0o755,
    group: undefined,
    hint: undefined,
  });
});

t.test('every key', async (t) => {
  const workloadApi = '{socket: /run/w.sock, mode: "0600", directoryMode: "0750", group: 1337, hint: internal}';
  const { config, lines } = deliverOf(`{files: [{directory: /a}], workloadApi: ${workloadApi}}`);
  t.same(lines, []);
  t.equal(config?.deliver.files.length, 1);
  t.same(config?.deliver.workloadApi, {
    socket: '/run/w.sock',
    mode: 0o600,
    directoryMode: 0o750,
    group: 1337,
    hint: 'internal',
  });
});

t.test('an empty list of files is fine beside a socket', async (t) => {
  t.same(deliverOf('{files: [], workloadApi: {socket: /run/w.sock}}').lines, []);
});

t.test('a socket for everybody is warned of', async (t) => {
  const { config, lines } = deliverOf('{workloadApi: {socket: /run/w.sock, mode: "0666"}}');
  t.ok(config);
  t.same(lines, [
    'agent.yaml:2: warning: deliver.workloadApi.mode: every user of this machine may get the private key',
  ]);
});

for (const [text, message] of [
  ['{workloadApi: {}}', 'deliver.workloadApi.socket: missing: expected the path of the Unix socket'],
  ['{workloadApi: {socket: ""}}', 'deliver.workloadApi.socket: missing'],
  [
    '{workloadApi: /run/w.sock}',
    'deliver.workloadApi: expected a mapping (socket, mode, directoryMode, group, hint), got',
  ],
  [`{workloadApi: {socket: /${'x'.repeat(107)}}}`, 'deliver.workloadApi.socket: the path of a Unix socket has at most'],
  [
    '{workloadApi: {socket: .meshcert/admin.sock}}',
    'deliver.workloadApi.socket: admin.socket is "/srv/.meshcert/admin.sock", too; name another path',
  ],
  ['{workloadApi: {socket: /run/w.sock, mode: 660}}', 'deliver.workloadApi.mode: expected permission bits in quotes'],
  ['{workloadApi: {socket: /run/w.sock, group: envoy}}', 'deliver.workloadApi.group: expected a whole number'],
  [
    `{workloadApi: {socket: /run/w.sock, hint: "${'ä'.repeat(513)}"}}`,
    'deliver.workloadApi.hint: a hint has at most 1024 bytes, and this one has 1026',
  ],
  [
    '{workloadApi: {socket: /run/w.sock, hint: "a\\nb"}}',
    'deliver.workloadApi.hint: expected text without line breaks',
  ],
  [
    '{workloadApi: {sockets: /run/w.sock, socket: /x}}',
    'deliver.workloadApi.sockets: unknown key; did you mean "socket"?',
  ],
] as const) {
  t.test(`${text} is refused`, async (t) => {
    const { config, lines } = deliverOf(text);
    t.equal(config, undefined);
    t.equal(lines.length, 1, lines.join('\n'));
    t.ok(lines[0]?.startsWith(`agent.yaml:2: ${message}`), lines.join());
  });
}
