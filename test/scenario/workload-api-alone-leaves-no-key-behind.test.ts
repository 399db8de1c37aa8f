import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { askSpiffeClient, watchWorkloadApi } from '../helpers/spiffe-client.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

/** What a PKCS#8 key on P-256 begins with, after its version: the algorithm, then an octet string (RFC 5915). */
const EC_KEY = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107046d', 'hex');

/** Files below a directory that hold a private key, as PEM or DER. */
function findKeys(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => {
    const path = join(directory, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
    const content = readFileSync(path);
    return content.includes('PRIVATE KEY') || content.includes(EC_KEY);
  });
}

function listOpenFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((fd) => {
    try {
      return readlinkSync(join(directory, fd));
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

t.test('go-spiffe gets an SVID and its successors; no key touches a disk', async (t) => {
  const directory = temporaryDirectory(t);
  const temporary = temporaryDirectory(t);
  const socket = join(directory, 'w.sock');
  const agent = await startAgent({
    directory,
    mesh: renderBuiltinMesh('1h'),
    deliver: `{workloadApi: {socket: ${socket}}}`,
    env: { TMPDIR: temporary },
  });
  t.teardown(() => agent.stop());
  const client = await watchWorkloadApi(t, 'go-spiffe', socket);
  const first = await client.nextSvid();
  t.match(first, { spiffeId: 'spiffe://default/web', verified: true });
  t.match(await agent.rotate(), { status: 200 });
  const second = await client.nextSvid([first.serialNumber]);
  t.match(second, { verified: true });

  const status = await agent.status();
  t.match(status, { ready: true, deliveries: [{ name: `workload-api:${socket}`, generation: 2 }] });
  t.equal(status.certificate?.serialNumber.replace(/^0+/, ''), second.serialNumber);
  t.match(
    agent.log().find((line) => 'SPIFFE_ENDPOINT_SOCKET' in line),
    { SPIFFE_ENDPOINT_SOCKET: `unix://${socket}` },
  );

  t.same(findKeys(directory), ['.meshcert/ca/default.ca-builtin-key-ca-1'], "the CA's own key is all that was written");
  t.same(findKeys(temporary), []);
  if (process.platform === 'linux') {
    const isData = (path: string) => !path.endsWith('.log') && /^\/dev\/shm|\(deleted\)$/.test(path);
    t.same(listOpenFiles(agent.pid).filter(isData), [], 'nor is it in a file without a name');
  }
});

t.test('clients outlive kills and restarts of the agent, and mTLS by what they have got works', async (t) => {
  const directory = temporaryDirectory(t);
  const socket = join(directory, 'w.sock');
  const options = { directory, mesh: renderBuiltinMesh('1h'), deliver: `{workloadApi: {socket: ${socket}}}` };
  let agent = await startAgent(options);
  t.teardown(() => agent.stop());
  const clients = await Promise.all(
    (['go-spiffe', 'py-spiffe'] as const).map(async (library) => {
      await agent.waitReady();
      return watchWorkloadApi(t, library, socket);
    }),
  );
  const seen: string[] = [];
  for (const end of ['SIGKILL', 'SIGTERM'] as const) {
    const svids = await Promise.all(clients.map((client) => client.nextSvid(seen)));
    t.equal(svids[0]?.serialNumber, svids[1]?.serialNumber);
    seen.push(...svids.map(({ serialNumber }) => serialNumber));
    agent.kill(end);
    await agent.exited;
    agent = await startAgent(options);
  }
  const last = await Promise.all(clients.map((client) => client.nextSvid(seen)));
  t.match(last, [{ verified: true }, { verified: true }]);
  const address = `unix://${socket}`;
  t.same(await askSpiffeClient(['handshake', address, address]), {
    event: 'shaken',
    server: 'spiffe://default/web',
    client: 'spiffe://default/web',
  });
});
