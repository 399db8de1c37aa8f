import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import type { Status } from '../../src/observe/status.ts';
import { startAgent } from '../helpers/agent.ts';
import { runCommandLine } from '../helpers/command-line.ts';
import { startPodCluster } from '../helpers/pod-cluster.ts';
import { makeServiceAccount, type Rule } from '../helpers/service-account.ts';

const { directory, cluster, network } = await startPodCluster(t);
await cluster.createNamespace('shop');
await cluster.createServiceAccount('shop', 'default');
let addresses = 0;

interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: those of an injected pod. */
  readonly spec?: object;
  /** Undefined: it has no address. */
  readonly phase?: string | undefined;
  /** Where its agent really listens. Undefined: nowhere. */
  readonly port?: number;
  /** Where it seems to listen. */
  readonly podPort?: number;
}

const AGENT = { name: 'meshcert', image: 'meshcert', restartPolicy: 'Always' };
const APP = { name: 'app', image: 'app' };
const PORTS = [{ name: 'mesh-metrics', containerPort: 9902 }];

/** Its status is written as the kubelet does. */
async function makePod(name: string, { labels, spec, phase = 'Running', port, podPort = 9902 }: PodOptions) {
  const metadata = { name, labels: labels ?? { 'meshcert.io/injected': 'true', app: name } };
  const full = { containers: [APP], ...(spec ?? { initContainers: [{ ...AGENT, ports: PORTS }] }) };
  const path = '/api/v1/namespaces/shop/pods';
  const made = await cluster.api('POST', path, { metadata, spec: { nodeName: 'node', ...full } });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  if (phase === 'Pending') return;
  addresses += 1;
  const podIP = `10.1.0.${addresses}`;
  const status = { phase, podIP, podIPs: [{ ip: podIP }] };
  const written = await cluster.api('PUT', `${path}/${name}/status`, { ...made.body, status });
  if (written.status !== 200) throw new Error(JSON.stringify(written.body));
  if (port !== undefined) network.attach(`${podIP}:${podPort}`, port);
}

/** What answers in a pod, in the place of an agent in a state that takes long to come about. */
async function answerWith(status: number, body: string): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/status' ? status : 404, { 'content-type': 'application/json' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function startRealAgent(name: string) {
  const agent = await startAgent({
    directory: join(directory, name),
    service: name,
    mesh: `{type: Mesh, name: default, mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}}`,
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const telemetry = agent.log().find(({ event }) => event === 'answering')?.telemetry;
  return { status: await agent.status(), port: Number(new URL(String(telemetry)).port) };
}

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

const account = await makeServiceAccount(cluster, directory, { namespace: 'shop', name: 'watcher' });
const kubeconfig = account.writeKubeconfig();
const run = (...args: string[]) =>
  runCommandLine(['inspect', '--kubeconfig', kubeconfig, ...args], {
    directory,
    environment: { PATH: process.env.PATH ?? '' },
  });

t.test('without rights it says which ones, and who prints them', async (t) => {
  const { code, error } = await run();
  t.equal(code, 1);
  t.match(error, 'cannot list resource "pods"');
  t.match(error, 'name a namespace with -n, or see: meshcert setup inspect');
});

t.test('with what setup inspect prints it lists every agent, what is at risk first', async (t) => {
  const args = ['setup', 'inspect', '-n', 'shop', '--service-account', 'shop/watcher'];
  const printed = await runCommandLine(args, { directory });
  t.equal(printed.code, 0);
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop';
  const [role, binding] = parseAllDocuments(printed.out).map((document) => document.toJS());
  for (const [path, object] of [
    ['roles', role],
    ['rolebindings', binding],
  ]) {
    t.equal((await cluster.api('POST', `${rbac}/${path}?fieldValidation=Strict`, object)).status, 201);
  }
  t.same(
    new Set((role.rules as Rule[]).flatMap(({ verbs }) => verbs)),
    new Set(['list', 'get']),
    'nothing that changes anything',
  );

  const well = await startRealAgent('well');
  await makePod('well', { port: well.port });
  await makePod('second', { port: (await startRealAgent('second')).port });
  const { certificate } = well.status;
  if (certificate === undefined) throw new Error('a ready agent has one');
  const variants: Record<string, Partial<Status>> = {
    soon: { certificate: { ...certificate, notAfter: inMinutes(9), rotatesAt: inMinutes(8) } },
    troubled: { lastError: { code: 'ERR_CA_TLS', line: 'no\u001b[2Jtrust', at: inMinutes(-1), retryAt: inMinutes(1) } },
    unready: { ready: false, notReady: ['files: no space is left'] },
    gone: { certificate: { ...certificate, notAfter: inMinutes(-1), rotatesAt: inMinutes(-9) } },
  };
  for (const [name, changes] of Object.entries(variants)) {
    await makePod(name, { port: await answerWith(200, JSON.stringify({ ...well.status, name, ...changes })) });
  }
  await makePod('silent', {});
  await makePod('older', { port: await answerWith(404, 'not found\n') });
  await makePod('strange', { port: await answerWith(200, '{"mesh":7}') });
  await makePod('starting', { phase: 'Pending' });
  await makePod('elsewhere', {
    spec: {
      containers: [{ ...APP }, { name: 'meshcert', image: 'm', ports: [{ name: 'mesh-metrics', containerPort: 7 }] }],
    },
    port: well.port,
    podPort: 7,
  });
  // None of these is listed.
  await makePod('ended', { phase: 'Succeeded', port: well.port });
  await makePod('job', { spec: { initContainers: [{ name: 'meshcert-init', image: 'm' }] }, port: well.port });
  await makePod('by-hand', {
    labels: { team: 'a' },
    spec: { initContainers: [AGENT] },
    port: well.port,
  });
  await makePod('no-agent', { labels: { team: 'a' }, spec: {} });

  const { code, out, error } = await run('-n', 'shop', '--timeout', '20s');
  t.equal(code, 0, error);
  const lines = out.trimEnd().split('\n');
  t.match(lines[0], /^NAMESPACE +POD +STATE +MESH +NAME +CERT REGENERATED AGO .* LAST ERROR$/);
  const states = lines.slice(1).map((line) => line.split(/ {2,}/).slice(1, 3));
  t.same(states.slice(0, 8), [
    ['gone', 'EXPIRED'],
    ['unready', 'NOT-READY'],
    ['older', 'UNKNOWN'],
    ['silent', 'UNKNOWN'],
    ['starting', 'UNKNOWN'],
    ['strange', 'UNKNOWN'],
    ['troubled', 'FAILING'],
    ['soon', 'OK'],
  ]);
  const later = states.slice(8).sort();
  t.same(
    later,
    ['elsewhere', 'second', 'well'].map((pod) => [pod, 'OK']),
    'these end within a second of each other',
  );
  const lineOf = (pod: string) => lines.find((line) => line.split(/ +/)[1] === pod) ?? '';
  t.match(lineOf('silent'), 'port 9902 cannot be reached; is telemetry.address 0.0.0.0:9902');
  t.match(lineOf('older'), 'has no /status');
  t.match(lineOf('strange'), 'is no agent');
  t.match(lineOf('starting'), 'the pod is Pending');
  t.match(lineOf('troubled'), 'no [2Jtrust', 'a pod cannot write elsewhere on a terminal');
  t.equal(error, '11 agents: 1 expired, 1 not-ready, 4 unknown, 1 failing, 4 ok\n');

  const json = JSON.parse((await run('-n', 'shop', '-o', 'json')).out) as { pod: string }[];
  t.same(parse((await run('-n', 'shop', '-o', 'yaml')).out).length, json.length);
  const found = json.find(({ pod }) => pod === 'well');
  t.strictSame(found, { namespace: 'shop', pod: 'well', state: 'ok', status: well.status });
  t.match(json[3], { namespace: 'shop', pod: 'silent', state: 'unknown', failure: /cannot be reached/ });

  t.equal((await run('-n', 'shop', '--check')).code, 1);
  const some = await run('-n', 'shop', '-l', 'app in (well, second)', '--check');
  t.equal(some.code, 0);
  t.equal(some.error, '2 agents: 2 ok\n');
  t.match(
    await run('-n', 'shop', '-l', 'team=a'),
    { code: 0, error: '1 agent: 1 ok\n' },
    'one that was written by hand',
  );
  t.match(await run('-n', 'shop', '-l', 'app=none', '--check'), {
    code: 1,
    out: '',
    error: /^no pod in the namespace "shop"/,
  });
  t.match(await run(), { code: 1, error: /a ClusterRole/ }, 'other namespaces are none of its business');
});

t.test('an agent that does not answer costs its time limit, and the others nothing', async (t) => {
  await makePod('hung', { labels: { 'meshcert.io/injected': 'true', app: 'hung' }, port: 0 });
  const { out } = await run('-n', 'shop', '-l', 'app in (hung, well)', '--timeout', '1s');
  t.match(out, /shop +hung +UNKNOWN .*no answer within 1 s/);
  t.match(out, /shop +well +OK/);
});

t.test('who may list and no more sees which right is missing', async (t) => {
  const lister = await makeServiceAccount(cluster, directory, { namespace: 'shop', name: 'lister' });
  await lister.grant([{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
  const args = ['inspect', '--kubeconfig', lister.writeKubeconfig(), '-n', 'shop', '-l', 'app=well'];
  const { out } = await runCommandLine(args, { directory });
  t.match(out, /well +UNKNOWN .*not allowed to get pods\/proxy in "shop"; see: meshcert setup inspect/);
});

t.test('a selector that is none, and a cluster that is away, are one line', async (t) => {
  t.match(await run('-n', 'shop', '-l', '=='), { code: 1, error: /^meshcert: [^\n]+\n$/ });
  await cluster.stop();
  t.match(await run('-n', 'shop'), {
    code: 1,
    error: /^meshcert: cannot reach the Kubernetes API [^\n]+refused[^\n]+\n$/,
  });
});
