import { mkdtempSync, rmSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { openFiles } from '../../src/delivery/files/files.ts';
import { derToPem } from '../../src/identity/pem.ts';
import { startEnvoy } from '../helpers/envoy.ts';
import { eventually } from '../helpers/eventually.ts';
import { fileSdsEnvoy } from '../helpers/file-sds-envoy.ts';
import { filesConfig, filesOptions } from '../helpers/files-bench.ts';
import { openGenerationMaker } from '../helpers/make-generation.ts';

const SWAPS = 20;

const directory = mkdtempSync(join(tmpdir(), 'meshcert-envoy-'));
const identity = join(directory, 'identity');
const { make, root } = await openGenerationMaker();
const files = openFiles(filesConfig(identity), filesOptions());
t.teardown(async () => {
  await files.close();
  rmSync(directory, { recursive: true });
});

const config = fileSdsEnvoy(identity);

const client = await make({ service: 'client' });
const clientTls = {
  cert: client.chain.map((der) => derToPem('CERTIFICATE', der)).join(''),
  key: client.privateKey.export({ format: 'pem', type: 'pkcs8' }),
  ca: derToPem('CERTIFICATE', root.der),
  // A SPIFFE certificate names no host; who it is, the test reads from it.
  checkServerIdentity: () => undefined,
};

/** Sends a request as a mesh client over a new connection. @returns who answered, and with which certificate. */
function askServer(port: number): Promise<{ serialNumber: string; name: string | undefined }> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false, timeout: 2_000, ...clientTls }, (response) => {
      const { serialNumber, subjectaltname: name } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume().on('end', () => resolve({ serialNumber, name }));
    })
      .on('timeout', function (this: ClientRequest) {
        this.destroy(new Error('no answer'));
      })
      .on('error', reject);
  });
}

t.test('an Envoy that starts before the first certificate gets it as soon as it comes', async (t) => {
  await files.prepare();
  const envoy = await startEnvoy({ directory, config, name: 'early' });
  t.teardown(() => envoy.stop());
  const port = await envoy.listenerPort('mtls');
  await t.rejects(askServer(port), 'nothing is served');
  const first = await make();
  await files.deliver(first);
  await eventually(
    'Envoy serves the first identity',
    async () => (await askServer(port)).serialNumber === first.serialNumber,
    { everyMs: 5 },
  );
});

t.test('a real Envoy serves each generation soon after its swap, and is told of none that does not fit', async (t) => {
  await files.deliver(await make());
  const envoy = await startEnvoy({ directory, config });
  t.teardown(() => envoy.stop());
  const port = await envoy.listenerPort('mtls');
  const before = await envoy.stat('sds.default.update_success');

  for (let swap = 1; swap <= SWAPS; swap += 1) {
    const next = await make({ number: swap, keyType: swap % 5 === 0 ? 'rsa-2048' : 'ec-p256' });
    await files.deliver(next);
    await eventually(
      `Envoy serves generation ${swap}`,
      async () => (await askServer(port)).serialNumber === next.serialNumber,
      { everyMs: 2, timeoutMs: 5_000 },
    );
  }
  t.equal((await askServer(port)).name, 'URI:spiffe://default/web');
  t.equal(await envoy.stat('sds.default.key_rotation_failed'), 0, 'key and certificate always fitted');
  t.equal(await envoy.stat('sds.default.update_rejected'), 0);
  t.equal(await envoy.stat('sds.ROOTCA.update_rejected'), 0);
  await eventually('each swap was seen, as the SDS files lie behind ..data too', async () => {
    const after = await envoy.stat('sds.default.update_success');
    return (after ?? 0) - (before ?? 0) >= SWAPS;
  });
  await eventually('both secrets are of one generation', async () => {
    const versions = await envoy.stats(/^sds\.(default|ROOTCA)\.version$/);
    return versions.size === 2 && new Set(versions.values()).size === 1;
  });
});

t.test('Envoys that start later begin with the present generation', async (t) => {
  const present = await make();
  await files.deliver(present);
  const envoy = await startEnvoy({ directory, config, name: 'later' });
  t.teardown(() => envoy.stop());
  t.equal((await askServer(await envoy.listenerPort('mtls'))).serialNumber, present.serialNumber);
});

t.test('an Envoy that starts after the identity has expired gets none, and the next one when it comes', async (t) => {
  await files.withdraw();
  const envoy = await startEnvoy({ directory, config, name: 'expired' });
  t.teardown(() => envoy.stop());
  const port = await envoy.listenerPort('mtls');
  await t.rejects(askServer(port), 'nothing is served');
  const next = await make();
  await files.deliver(next);
  await eventually(
    'Envoy serves the new identity',
    async () => (await askServer(port)).serialNumber === next.serialNumber,
    { everyMs: 5 },
  );
});
