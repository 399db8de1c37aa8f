import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { runProgram } from '../../../src/cli/program.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';

const MESH = `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends: [{name: ca-1, type: builtin, mode: PERMISSIVE}]
`;
const AGENT = `type: Agent
service: web
deliver: {files: [{directory: /srv/identity}]}
`;

async function run(args: readonly string[], text = `${MESH}---\n${AGENT}`) {
  const { edge, out, error } = openFakeEdge({ environment: { MESHCERT_CONFIG: text } });
  const code = await runProgram(['envoy', ...args], edge);
  return { code, out: out(), error: error() };
}

t.test('without options: a whole configuration on the output, and nothing else', async (t) => {
  const { code, out, error } = await run([]);
  t.match({ code, error }, { code: 0, error: '' });
  t.match(out, /^# Envoy for the service web \(spiffe:\/\/default\/web\), mode PERMISSIVE\./);
  t.match(parse(out).static_resources.clusters, [
    { load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: address('127.0.0.1', 8080) }] }] } },
  ]);
});

t.test('options say what the configuration of the agent does not', async (t) => {
  const { code, out } = await run([
    ...['--mode', 'STRICT', '--inbound', '[::1]:1', '--app', 'tcp://app.example:2', '--admin', '127.0.0.1:3'],
    ...['--outbound', 'a=10.0.0.1:4', '--outbound', '5:b=tcp://[::1]:6=spiffe://other/b', '--outbound', '0:c=c:7'],
  ]);
  t.equal(code, 0);
  const { admin, static_resources: all } = parse(out);
  t.same(admin, address('127.0.0.1', 3));
  t.match(all.listeners, [
    { name: 'inbound', ...address('::1', 1), filter_chains: { length: 1 } },
    { name: 'outbound_a', ...address('127.0.0.1', 15_001) },
    { name: 'outbound_b', ...address('127.0.0.1', 5) },
    { name: 'outbound_c', ...address('127.0.0.1', 0) },
  ]);
  t.match(
    all.clusters.map((cluster: { load_assignment: { endpoints: { lb_endpoints: { endpoint: object }[] }[] } }) => {
      return cluster.load_assignment.endpoints[0]?.lb_endpoints[0]?.endpoint;
    }),
    [address('app.example', 2), address('10.0.0.1', 4), address('::1', 6), address('c', 7)],
  );
  t.match(out, /exact: spiffe:\/\/other\/b/);
});

t.test('a wrong option: one line, and exit code 2', async (t) => {
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['--mode', 'strict', /Allowed choices are STRICT, PERMISSIVE/],
    ['--inbound', 'localhost:1', /expected an IP address to listen on, such as 127\.0\.0\.1:1, got "localhost:1"/],
    ['--inbound', '10443', /expected HOST:PORT, such as 127\.0\.0\.1:8080 or \[::1\]:8080, got "10443"/],
    ['--app', '127.0.0.1:65536', /expected HOST:PORT/],
    ['--app', 'ftp://127.0.0.1:1', /expected HOST:PORT/],
    ['--app-tls', '', /expected HOST:PORT/],
    ['--admin', 'x', /expected HOST:PORT/],
    ['--outbound', 'backend', /expected \[LOCALPORT:\]NAME=HOST:PORT\[=SPIFFE-ID\], got "backend"/],
    ['--outbound', '70000:a=b:1', /expected \[LOCALPORT:\]NAME=/],
    ['--outbound', 'a=b', /expected HOST:PORT.*, got "b"/],
    ['--outbound', 'a=b:1=c', /expected a SPIFFE ID, such as spiffe:\/\/default\/backend, got "c"/],
    ['--outbound', 'a=b:1=spiffe://default/', /is not a SPIFFE ID of a workload/],
  ];
  for (const [option, value, line] of wrong) {
    const { code, out, error } = await run([option, value]);
    t.match({ code, out }, { code: 2, out: '' }, `${option} ${value}`);
    t.match(error.split('\n')[0], line);
  }
});

t.test('a Mesh whose mTLS is off', async (t) => {
  const { code, out, error } = await run([], `${MESH.replace('enabledBackend: ca-1', '')}---\n${AGENT}`);
  t.match({ code, out }, { code: 2, out: '' });
  t.equal(error, 'meshcert: mTLS is off: the Mesh "default" enables no backend; set mtls.enabledBackend: ca-1\n');
});

t.test('mistakes and warnings of the configuration', async (t) => {
  const mistaken = await run([], `${MESH}---\n${AGENT}alow: []\n`);
  t.match(mistaken, { code: 2, out: '', error: /alow: unknown key; did you mean "allow"\?\n$/ });
  const warned = await run([], AGENT);
  t.match(warned, { code: 0, out: /^# Envoy/, error: /warning: there is no Mesh document/ });
});

t.test('every option is documented', async (t) => {
  const { code, out } = await run(['--help']);
  t.equal(code, 0);
  const page = readFileSync(new URL('../../../docs/envoy.md', import.meta.url), 'utf8');
  const options = [...out.matchAll(/^ {2}(?:-c, )?(--[\w-]+)/gm)].map(([, option = '']) => option);
  t.ok(options.length > 5);
  t.same(
    options.filter((option) => option !== '--config' && !page.includes(`\`${option} `)),
    [],
  );
});

function address(host: string, port: number): object {
  return { address: { socket_address: { address: host, port_value: port } } };
}
