import t from 'tap';
import { callApp } from '../helpers/call-app.ts';
import { startGreetingApp, talkToGreetingApp } from '../helpers/greeting-app.ts';
import { startMember, startPrintedEnvoy, writeMember } from '../helpers/mesh-member.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

t.test('an application that speaks first, and no HTTP, is reached', async (t) => {
  const directory = temporaryDirectory(t);
  const app = `tcp://${await startGreetingApp(t)}`;
  const frontend = writeMember(directory, { service: 'frontend' });
  await startMember(t, frontend);
  for (const mode of ['STRICT', 'PERMISSIVE'] as const) {
    const backend = writeMember(directory, { service: `db-${mode.toLowerCase()}`, mode });
    await startMember(t, backend);
    const server = await startPrintedEnvoy(t, backend, ['--inbound', '127.0.0.1:0', '--app', app]);
    const inbound = await server.listenerPort('inbound');
    const outbound = `0:db=tcp://127.0.0.1:${inbound}=${backend.spiffeId}`;
    const client = await startPrintedEnvoy(t, frontend, ['--inbound', '127.0.0.1:0', '--outbound', outbound]);
    const word = `${mode} by mutual TLS`;
    t.equal(await talkToGreetingApp(await client.listenerPort('outbound_db'), word), `hello\n${word}\n`);
    t.equal(await client.stat('cluster.outbound_db.ssl.handshake'), 1);
    await client.stop();
    // In STRICT mode both sides would wait for the other to speak, so the caller begins.
    if (mode === 'STRICT') await t.rejects(callApp(inbound), 'no plaintext');
    else t.equal(await talkToGreetingApp(inbound, 'plaintext'), 'hello\nplaintext\n');
  }
});
