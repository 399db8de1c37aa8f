import t from 'tap';
import { loadAgent } from './load-text.ts';

const load = (verify: string) => loadAgent(`type: Agent\ndeliver: {verify: ${verify}}\n`);

t.test('each kind, with what it has without being asked', async (t) => {
  const { config, lines } = load(
    '[{tls: "127.0.0.1:10001"}, {tls: "[::1]:1", serverName: web.example, alpn: [mesh], within: 1m}, {envoyAdmin: "http://127.0.0.1:9901/"}]',
  );
  t.same(lines, []);
  const withinMs = 10_000;
  t.same(config?.deliver.verify, [
    {
      kind: 'tls',
      name: 'tls:127.0.0.1:10001',
      host: '127.0.0.1',
      port: 10001,
      serverName: undefined,
      alpn: [],
      withinMs,
    },
    {
      kind: 'tls',
      name: 'tls:[::1]:1:web.example:mesh',
      host: '::1',
      port: 1,
      serverName: 'web.example',
      alpn: ['mesh'],
      withinMs: 60_000,
    },
    { kind: 'envoyAdmin', name: 'envoy:127.0.0.1:9901', url: 'http://127.0.0.1:9901', withinMs },
  ]);
});

for (const [verify, message] of [
  ['"127.0.0.1:1"', 'deliver.verify: expected a list, got text; start each entry with "- "'],
  ['[{within: 1s}]', 'deliver.verify[0]: expected exactly one of tls, envoyAdmin, got none'],
  [
    '[{tls: "a:1", envoyAdmin: "http://a"}]',
    'deliver.verify[0]: expected exactly one of tls, envoyAdmin, got tls and envoyAdmin',
  ],
  ['[{tls: 10001}]', 'deliver.verify[0].tls: expected host:port, got a number; write it like 127.0.0.1:10001'],
  ['[{tls: "localhost"}]', 'deliver.verify[0].tls: expected host:port, got "localhost"'],
  ['[{tls: "localhost:0"}]', 'deliver.verify[0].tls: expected host:port, got "localhost:0"'],
  ['[{tls: "localhost:65536"}]', 'deliver.verify[0].tls: expected host:port'],
  ['[{tls: "a:1"}, {tls: "a:1"}]', 'deliver.verify[1]: another entry looks there, too'],
  ['[{tls: "a:1", within: soon}]', 'deliver.verify[0].within: expected a duration'],
  ['[{tls: "a:1", serverName: "a b"}]', 'deliver.verify[0].serverName: expected the name of a host'],
  ['[{tls: "a:1", alpn: mesh}]', 'deliver.verify[0].alpn: expected a list, got text'],
  ['[{envoyAdmin: "127.0.0.1:9901"}]', 'deliver.verify[0].envoyAdmin: expected http:// or https:// and a host'],
  ['[{envoyAdmin: "https://a"}]', "deliver.verify[0].envoyAdmin: expected http://, as Envoy's admin has no TLS"],
  ['[{envoyAdmin: "http://a", alpn: [x]}]', 'deliver.verify[0].alpn: goes with "tls" only'],
] as const) {
  t.test(`${verify} is refused`, async (t) => {
    const { config, lines } = load(verify);
    t.equal(config, undefined);
    t.match(lines, [`agent.yaml:2: ${message}`]);
  });
}
