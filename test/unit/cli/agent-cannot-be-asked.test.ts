import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { healthcheck } from '../../../src/cli/healthcheck.ts';
import { inspect } from '../../../src/cli/inspect.ts';
import { rotate } from '../../../src/cli/rotate.ts';
import { systemClock } from '../../../src/clock.ts';
import { AgentError } from '../../../src/errors.ts';
import { openAdminServer } from '../../../src/observe/admin-server.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'mc-'));
t.teardown(() => rmSync(directory, { recursive: true }));
const socketOf = (name: string) => join(directory, name);

t.test('no agent, a dead one, something else: one line with what to do', async (t) => {
  const { edge } = openFakeEdge();
  const ask = (socket: string) => inspect({ socket, files: [], output: 'table' }, edge).catch((error) => error.line);

  const missing = socketOf('missing.sock');
  t.equal(
    await ask(missing),
    `cannot ask the agent at ${missing}: no agent is running there; start one (meshcert run), or name its socket with --socket`,
  );

  const dead = socketOf('dead.sock');
  const script = "require('node:net').createServer().listen(process.argv[1], () => console.log('up'))";
  const killed = spawn(process.execPath, ['-e', script, dead], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  t.match(await ask(dead), 'the agent has ended; start it again');

  const rude = createServer((connection) => connection.destroy()).listen(socketOf('rude.sock'));
  await once(rude, 'listening');
  t.teardown(() => rude.close());
  t.match(await ask(socketOf('rude.sock')), 'it ended the connection');

  const strange = createServer((connection) => connection.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'));
  strange.listen(socketOf('strange.sock'));
  await once(strange, 'listening');
  t.teardown(() => strange.close());
  t.match(await ask(socketOf('strange.sock')), 'what answers there is no agent');
});

t.test('without --socket, the configuration says where the agent is', async (t) => {
  const file = join(directory, 'agent.yaml');
  const socket = socketOf('configured.sock');
  writeFileSync(file, `type: Agent\nservice: web\nadmin: {socket: ${socket}}\n`);
  const { edge } = openFakeEdge({ currentDirectory: directory });
  await t.rejects(healthcheck({ files: [file] }, edge), { code: 'ERR_AGENT', message: new RegExp(socket) });
  writeFileSync(file, 'type: Agent\nadmn: {}\n');
  await t.rejects(healthcheck({ files: [file] }, edge), { code: 'ERR_CONFIG', message: /agent.yaml.*admn/ });
});

t.test('rotate and healthcheck say what the agent answers', async (t) => {
  const bench = await setUpObservation();
  const socket = socketOf('agent.sock');
  let failure: AgentError | undefined;
  const server = await openAdminServer(
    socket,
    {
      status: () => bench.observation.status(),
      async rotate() {
        if (failure !== undefined) throw failure;
        const generation = await bench.issue();
        bench.deliver(generation);
        return generation.number;
      },
      quit: () => {},
    },
    { clock: systemClock, log: openRecordingLog() },
  );
  t.teardown(() => server.close());

  const before = openFakeEdge();
  t.equal(await healthcheck({ socket, files: [] }, before.edge), 1);
  t.match(before.error(), /^not ready: certificate: none yet; files:.*\n$/);

  const rotated = openFakeEdge();
  t.equal(await rotate({ socket, files: [] }, rotated.edge), 0);
  t.match(rotated.out(), /^generation 1 is delivered, serial [0-9A-F]+, valid until 2026-01-01T01:00:00.000Z\n$/);

  const after = openFakeEdge();
  t.equal(await healthcheck({ socket, files: [] }, after.edge), 0);
  t.equal(after.out(), 'ready\n');

  failure = new AgentError('ERR_CA_UNREACHABLE', 'no answer from the CA', { remedy: 'start it' });
  await t.rejects(rotate({ socket, files: [] }, openFakeEdge().edge), {
    code: 'ERR_CA_UNREACHABLE',
    line: 'no answer from the CA; start it',
  });
});
