import t from 'tap';
import { loadAgent } from './load-text.ts';

const deliverOf = (text: string) => loadAgent(`type: Agent\ndeliver: ${text}\n`);

t.test('a socket alone: everything else has a default, and there are no files', async (t) => {
  const { config, lines } = deliverOf('{sds: {socket: run/s.sock}}');
  t.same(lines, []);
  t.same(config?.deliver.files, []);
  t.same(config?.deliver.sds, {
    socket: '/srv/run/s.sock',
    mode: 0o660,
    directoryMode: 0o755,
    group: undefined,
    validator: 'trustedCa',
    certificateNames: [],
    bundleNames: [],
  });
});

t.test('every key', async (t) => {
  const socket = 'socket: /run/s.sock, mode: "0600", directoryMode: "0750", group: 1337';
  const names = 'validator: spiffe, certificateNames: [web-cert], bundleNames: [mesh-ca, other-ca]';
  const { config, lines } = deliverOf(`{files: [{directory: /a}], sds: {${socket}, ${names}}}`);
  t.same(lines, []);
  t.equal(config?.deliver.files.length, 1);
  t.same(config?.deliver.sds, {
    socket: '/run/s.sock',
    mode: 0o600,
    directoryMode: 0o750,
    group: 1337,
    validator: 'spiffe',
    certificateNames: ['web-cert'],
    bundleNames: ['mesh-ca', 'other-ca'],
  });
});

t.test('the socket of the Workload API may be the same, with the same mode', async (t) => {
  const shared = 'socket: /run/m.sock, mode: "0600"';
  t.same(deliverOf(`{sds: {${shared}}, workloadApi: {${shared}}}`).lines, []);
  t.match(deliverOf(`{sds: {${shared}}, workloadApi: {socket: /run/m.sock, group: 5}}`).lines, [
    /workloadApi\.mode: two deliveries share this socket, and differ in this/,
    /workloadApi\.group: two deliveries share this socket/,
  ]);
});

for (const [text, ...messages] of [
  ['{sds: {}}', 'deliver.sds.socket: missing: expected the path of the Unix socket'],
  [`{sds: {socket: /${'x'.repeat(107)}}}`, 'deliver.sds.socket: the path of a Unix socket has at most 107 bytes'],
  [`{sds: {socket: /${'x'.repeat(98)}/s}}`, 'deliver.sds.socket: the directory of the Unix socket "/xxx'],
  ['{sds: {socket: /s, validator: envoy}}', 'deliver.sds.validator: expected one of trustedCa, spiffe, got "envoy"'],
  ['{sds: {socket: /s, validater: spiffe}}', 'deliver.sds.validater: unknown key'],
  ['{sds: {socket: /s, certificateNames: default}}', 'deliver.sds.certificateNames: expected a list, got text'],
  ['{sds: {socket: /s, certificateNames: [a b]}}', 'deliver.sds.certificateNames[0]: expected the name of a secret'],
  ['{sds: {socket: /s, bundleNames: ["spiffe://x"]}}', 'deliver.sds.bundleNames[0]: expected the name of a secret'],
  ['{sds: {socket: /s, certificateNames: [ROOTCA]}}', 'deliver.sds.certificateNames[0]: the name "ROOTCA" is taken'],
  [
    '{sds: {socket: /s, certificateNames: [a, a], bundleNames: [b, a]}}',
    'deliver.sds.certificateNames[1]: the name "a" is taken',
    'deliver.sds.bundleNames[1]: the name "a" is taken',
  ],
] as const) {
  t.test(`${text} is refused`, async (t) => {
    const { config, lines } = deliverOf(text);
    t.equal(config, undefined);
    t.equal(lines.length, messages.length, lines.join('\n'));
    messages.forEach((message, index) => {
      t.ok(lines[index]?.startsWith(`agent.yaml:2: ${message}`), `${lines[index]} is told`);
    });
  });
}
