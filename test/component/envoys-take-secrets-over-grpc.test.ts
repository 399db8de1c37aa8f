import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Delivery } from '../../src/delivery/delivery.ts';
import type { SdsConfig } from '../../src/delivery/sds/config.ts';
import type { Generation } from '../../src/identity/identity.ts';
import type { RunningEnvoy } from '../helpers/envoy.ts';
import { eventually } from '../helpers/eventually.ts';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import type { EnvoySecrets } from '../helpers/mesh-envoys.ts';
import { type MeshTraffic, startMeshTraffic } from '../helpers/mesh-traffic.ts';
import { makeSdsBench, type SdsBench } from '../helpers/sds-bench.ts';
import {
  describeDeltaSecrets,
  describeIstioSecrets,
  describeSpireSecrets,
  type SdsShapeOptions,
} from '../helpers/sds-shapes.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const oldCa = await openGenerationMaker();
const newCa = await openGenerationMaker();
const oldRoot = new X509Certificate(oldCa.root.der).serialNumber;
const newRoot = new X509Certificate(newCa.root.der).serialNumber;

/** One service: its delivery, as if in an agent of its own. */
interface Side {
  readonly service: string;
  readonly bench: SdsBench;
  delivery?: Delivery;
  now?: Generation;
}

async function deliver(side: Side, maker: typeof oldCa, trustBundle: readonly Buffer[]): Promise<void> {
  side.delivery ??= await side.bench.open();
  side.now = { ...(await maker.make({ service: side.service })), trustBundle };
  await side.delivery.deliver(side.now);
}

async function waitUntilServed(traffic: MeshTraffic, server: Side, client: Side): Promise<void> {
  await eventually(
    'both Envoys show their newest certificates',
    () => {
      const last = traffic.exchanges.at(-1);
      return last?.serverSerial === server.now?.serialNumber && last?.clientSerial === client.now?.serialNumber;
    },
    { timeoutMs: 20_000 },
  );
}

async function waitUntilTrusted(envoy: RunningEnvoy, serials: readonly string[]): Promise<void> {
  await eventually(`Envoy trusts ${serials.length} CAs`, async () => {
    const { certificates } = await envoy.certs();
    const trusted = certificates.flatMap(({ ca_cert: cas = [] }) => cas.map((ca) => ca.serial_number.toUpperCase()));
    return trusted.length === serials.length && serials.every((serial) => trusted.includes(serial));
  });
}

async function run(t: Test, shape: (options: SdsShapeOptions) => EnvoySecrets, options: Partial<SdsConfig> = {}) {
  const makeSide = (service: string): Side => ({ service, bench: makeSdsBench(t, options) });
  const [server, client] = [makeSide('server'), makeSide('client')];
  const sides = [server, client];
  const describe = ({ service, bench }: Side) => {
    const spiffeId = `spiffe://default/${service}`;
    return { spiffeId, identity: shape({ socket: bench.path, spiffeId }) };
  };
  // Envoys that are there before the agents are.
  const starting = startMeshTraffic({
    directory: join(temporaryDirectory(t), 'e'),
    server: describe(server),
    client: describe(client),
  });
  starting.catch(() => undefined);
  for (const side of sides) side.delivery = await side.bench.open();
  await eventually('the first Envoy asks for what is not there yet', () => server.bench.counts.streams > 0, {
    timeoutMs: 20_000,
  });
  for (const side of sides) await deliver(side, oldCa, [oldCa.root.der]);
  const traffic = await starting;
  t.teardown(() => traffic.stop());
  await waitUntilServed(traffic, server, client);
  t.pass('Envoys that were there first got their identities when there were some');
  const envoys = [traffic.serverEnvoy, traffic.clientEnvoy];

  await deliver(server, oldCa, [oldCa.root.der]);
  await deliver(client, oldCa, [oldCa.root.der]);
  await waitUntilServed(traffic, server, client);
  t.pass('a rotation of both is taken');

  for (const side of sides) {
    await side.delivery?.close();
    delete side.delivery;
  }
  await eventually('both Envoys notice that their agents have gone', () =>
    sides.every(({ bench }) => bench.counts.streams === 0),
  );
  const before = traffic.exchanges.length;
  await eventually('requests go on without agents', () => traffic.exchanges.length > before + 10);
  for (const side of sides) await deliver(side, oldCa, [oldCa.root.der]);
  await waitUntilServed(traffic, server, client);
  t.pass('Envoys outlive their agents, and take what the next ones have');

  const both = [oldCa.root.der, newCa.root.der];
  for (const side of sides) await deliver(side, oldCa, both);
  for (const envoy of envoys) await waitUntilTrusted(envoy, [oldRoot, newRoot]);
  for (const side of sides) await deliver(side, newCa, both);
  await waitUntilServed(traffic, server, client);
  for (const side of sides) await deliver(side, newCa, [newCa.root.der]);
  for (const envoy of envoys) await waitUntilTrusted(envoy, [newRoot]);
  await waitUntilServed(traffic, server, client);
  t.pass('the CA is changed');

  for (const { bench } of sides) t.same(bench.counts, { streams: 2, rejections: 0 }, 'one stream for each secret');
  for (const envoy of envoys) {
    const rejected = await envoy.stats(/^sds\..*\.(update_rejected|key_rotation_failed)$/);
    t.same(new Set(rejected.values()), new Set([0]));
  }
  t.same(traffic.failures(), [], `none of ${traffic.exchanges.length} requests failed`);
}

t.test('set up as Istio does', (t) => run(t, describeIstioSecrets));
t.test('set up as SPIRE documents, but for the path of the socket', (t) => run(t, describeSpireSecrets));
t.test('with the SPIFFE validator, as SPIRE answers', (t) => run(t, describeSpireSecrets, { validator: 'spiffe' }));
t.test('by the incremental variant of the protocol', (t) => run(t, describeDeltaSecrets));
