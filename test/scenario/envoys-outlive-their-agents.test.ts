import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderProvidedMesh } from '../helpers/kong-mesh.ts';
import { startMeshTraffic } from '../helpers/mesh-traffic.ts';
import { describeDeltaSecrets, describeIstioSecrets } from '../helpers/sds-shapes.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { inForce, TestCa } from '../helpers/test-ca.ts';

t.test('two Envoys on the sockets of two agents serve through rotations, kills and restarts of both', async (t) => {
  const directory = temporaryDirectory(t);
  const root = await TestCa.makeRoot('root', inForce());
  const [cert, key] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  writeFileSync(cert, root.certificatePem);
  writeFileSync(key, root.keyPem);
  const mesh = renderProvidedMesh(cert, key);
  const socketOf = (service: string) => join(directory, service, 's.sock');
  const start = async (service: string): Promise<RunningAgent> => {
    const agent = await startAgent({
      directory: join(directory, service),
      mesh,
      service,
      deliver: `{sds: {socket: ${socketOf(service)}}}`,
    });
    t.teardown(() => agent.stop());
    await agent.waitReady();
    return agent;
  };
  const agents = { server: await start('server'), client: await start('client') };
  const idOf = (service: string) => `spiffe://default/${service}`;
  const traffic = await startMeshTraffic({
    directory: join(directory, 'envoy'),
    server: {
      spiffeId: idOf('server'),
      identity: describeIstioSecrets({ socket: socketOf('server'), spiffeId: idOf('server') }),
    },
    client: {
      spiffeId: idOf('client'),
      identity: describeDeltaSecrets({ socket: socketOf('client'), spiffeId: idOf('client') }),
    },
  });
  t.teardown(() => traffic.stop());

  const waitUntilServed = async () => {
    const serialOf = async (agent: RunningAgent) => (await agent.status()).certificate?.serialNumber;
    const [server, client] = await Promise.all([serialOf(agents.server), serialOf(agents.client)]);
    await eventually(
      'both newest certificates are in use',
      () => traffic.exchanges.at(-1)?.serverSerial === server && traffic.exchanges.at(-1)?.clientSerial === client,
      { timeoutMs: 20_000 },
    );
  };
  await waitUntilServed();
  for (const agent of Object.values(agents)) t.equal((await agent.rotate()).status, 200);
  await waitUntilServed();
  t.equal((await agents.server.metrics()).get('meshcert_sds_streams'), 2);
  t.equal((await agents.server.metrics()).get('meshcert_sds_rejections_total'), 0);

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    for (const service of ['server', 'client'] as const) {
      agents[service].kill(signal);
      await agents[service].exited;
      agents[service] = await start(service);
    }
    await waitUntilServed();
    t.pass(`both Envoys have what the agents got that came after ${signal}`);
  }
  t.same(traffic.failures(), [], `none of ${traffic.exchanges.length} requests failed`);
});
