import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { makeProvidedMesh } from '../helpers/provided-mesh.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

t.test('what is saved between the reading of the configuration and the first certificate is followed', async (t) => {
  const directory = temporaryDirectory(t);
  const { mesh } = await makeProvidedMesh(directory, '1h');
  // A pipe in place of the CA's key: the agent stands still where it reads it, with its configuration already read.
  const key = join(directory, 'ca.key');
  renameSync(key, `${key}.new`);
  execFileSync('mkfifo', [key]);
  const agent = await startAgent({ directory, mesh });
  t.teardown(() => agent.stop());
  const pipe = await eventually('the agent reads the key', () =>
    openSync(key, constants.O_WRONLY | constants.O_NONBLOCK),
  );
  const text = readFileSync(agent.configFile, 'utf8');
  writeFileSync(agent.configFile, text.replace('service: web', 'service: shop'));
  renameSync(`${key}.new`, key);
  writeSync(pipe, readFileSync(key));
  closeSync(pipe);

  await eventually('the identity is that of the changed file', async () => {
    const { spiffeId, certificate } = await agent.status();
    return spiffeId === 'spiffe://default/shop' && certificate?.generation === 2;
  });
  const issued = agent.log().filter(({ event }) => event === 'certificate issued');
  t.same(
    issued.map(({ spiffeId }) => spiffeId),
    ['spiffe://default/web', 'spiffe://default/shop'],
    'it had started by the file of before',
  );
  await agent.waitReady();
});
