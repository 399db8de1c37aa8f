import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { callApp } from '../helpers/call-app.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { issueOnce, startMember, startPrintedEnvoy, writeMember } from '../helpers/mesh-member.ts';
import { requestJson } from '../helpers/request-json.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { startTellingApp } from '../helpers/telling-app.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

t.test(
  'with SDS, Envoy may start first: it opens no port before it has a certificate, and takes each next one',
  async (t) => {
    const directory = temporaryDirectory(t);
    const port = await freePort();
    const backend = writeMember(directory, { service: 'backend', secrets: 'sds' });
    const caller = writeMember(directory, { service: 'frontend' });
    await issueOnce(caller);
    const call = () => callApp(port, { tls: { identity: caller.identity } });

    const args = ['--inbound', `127.0.0.1:${port}`, '--app', await startTellingApp(t)];
    const starting = startPrintedEnvoy(t, backend, args);
    // Awaited below; when the test fails before that, this is not its reason.
    starting.catch(() => undefined);
    const ask = (path: string) => {
      const admin = readFileSync(join(directory, 'backend-envoy.admin'), 'utf8').trim();
      return requestJson<{ text: string } & { state: string }>(`http://${admin}${path}`);
    };
    await eventually('Envoy has asked in vain', async () => {
      const { body } = await ask('/stats?filter=^cluster.meshcert_sds.upstream_cx_connect_fail$');
      return /: [1-9]/.test(body.text);
    });
    t.match((await ask('/server_info')).body.state, /INITIALIZING$/);
    await t.rejects(call(), { code: 'ECONNREFUSED' });

    await startMember(t, backend);
    const envoy = await starting;
    t.equal((await call()).status, 200);

    const listSerials = async () => {
      const { certificates } = await envoy.certs();
      return certificates.flatMap(({ cert_chain: chain = [] }) => chain.map((one) => one.serial_number));
    };
    const before = await listSerials();
    const { code, stdout } = await runMeshcert(['rotate', '--socket', backend.adminSocket], { directory });
    t.equal(code, 0);
    const [, serial = 'none'] = /serial (\w+)/.exec(stdout) ?? [];
    await eventually('the next certificate is served', async () => {
      return (await listSerials()).every((one) => one.toUpperCase() === serial);
    });
    t.notOk(before.some((one) => one.toUpperCase() === serial));
    t.equal((await call()).status, 200);
  },
);
