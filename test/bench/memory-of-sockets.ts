import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { openGrpcClient } from '../helpers/grpc-client.ts';
import { streamSecrets } from '../helpers/sds-client.ts';
import { callWorkloadApi } from '../helpers/workload-api-client.ts';
import { prepareMeshcert } from './contenders.ts';
import { measureFootprint } from './measure.ts';
import { percentile, type Row } from './rows.ts';
import type { BenchContext } from './section.ts';
import { type Teardown, withTeardown } from './with-teardown.ts';

const ROTATIONS = 3;
const TTL_SECONDS = 8;

/** What SDS and the Workload API cost an agent that has its certificates from Vault, unused and with a client on each. */
export async function benchMemoryOfSockets(context: BenchContext): Promise<Row[]> {
  const { directory, program, quick, say, vaultSetting } = context;
  const setting = { ...(await vaultSetting()), ttlSeconds: TTL_SECONDS };
  const socket = join(directory, 's.sock');
  const prepare = async (name: string) => ({
    program,
    directory: join(directory, name),
    metricsPort: await freePort(),
  });
  const filesAlone = prepareMeshcert(await prepare('files-alone'), setting);
  const withSockets = prepareMeshcert({ ...(await prepare('with-sockets')), socket }, setting);
  const figures = { filesAlone: [] as number[], unused: [] as number[], used: [] as number[] };
  const times = quick ? 1 : 3;
  for (let turn = 0; turn < times; turn += 1) {
    say(`memory of sockets: ${turn + 1} of ${times}`);
    figures.filesAlone.push((await measureFootprint(filesAlone, ROTATIONS)).anonymousMb);
    figures.unused.push((await measureFootprint(withSockets, ROTATIONS)).anonymousMb);
    await withTeardown(async (t) => {
      const seen = { secrets: 0, svids: 0 };
      const footprint = await measureFootprint(withSockets, ROTATIONS, () => subscribe(t, socket, seen));
      if (Math.min(seen.secrets, seen.svids) < ROTATIONS)
        throw new Error(`clients missed some: ${JSON.stringify(seen)}`);
      figures.used.push(footprint.anonymousMb);
    });
  }
  const against = { name: 'files alone', figure: percentile(figures.filesAlone, 0.5) };
  const what = 'anonymous memory with SDS and Workload API';
  return [
    { what: `${what}, unused`, unit: 'MB', meshcert: percentile(figures.unused, 0.5), against },
    { what: `${what}, a client on each`, unit: 'MB', meshcert: percentile(figures.used, 0.5), against },
  ];
}

/** As Envoy and a SPIFFE library do: both secrets, and the SVID. Counts the answers. */
async function subscribe(t: Teardown, socket: string, seen: { secrets: number; svids: number }): Promise<void> {
  await eventually('the socket is open', () => existsSync(socket));
  const stream = streamSecrets(openGrpcClient(t, socket));
  const resourceNames = ['default', 'ROOTCA'];
  stream.send({ resourceNames });
  stream.call.on('data', ({ nonce }) => {
    seen.secrets += 1;
    stream.send({ resourceNames, responseNonce: nonce });
  });
  callWorkloadApi(openGrpcClient(t, socket), 'FetchX509SVID').on('data', () => {
    seen.svids += 1;
  });
}
