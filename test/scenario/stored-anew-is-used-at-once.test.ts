import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectNotReady } from '../helpers/expect-not-ready.ts';
import { renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const pki = uniqueName('pki');
const { policy } = await configureKongVaultPki(vault, { mesh: 'default', mount: pki });
const makeToken = async () => (await vault.cli(['token', 'create', '-field=token', `-policy=${policy}`])).trim();
const tokenFile = join(directory, 'token');

/** As a secret store does. */
function store(text: string): void {
  writeFileSync(`${tokenFile}.new`, text, { mode: 0o600 });
  renameSync(`${tokenFile}.new`, tokenFile);
}

t.test('a token that was stored anew is tried at once, and a broken one is refused', async (t) => {
  store('hvs.that-nobody-knows');
  const agent = await startAgent({
    directory: join(directory, 'agent'),
    mesh: renderVaultMesh({ address: vault.address, pki, auth: `{token: {file: ${tokenFile}}}` }),
  });
  t.teardown(() => agent.stop());
  await expectNotReady(t, agent, { event: /does not know our token: expired or revoked/, remedy: /store a new one/ });

  store(await makeToken());
  await agent.waitReady();
  t.match(
    agent.log().find(({ event }) => event === 'certificate issued'),
    { reason: 'reconfigured' },
    'not by the next try of the back-off',
  );

  store('');
  await eventually(
    'the next certificate is issued with the old token',
    async () => (await agent.rotate()).status === 200,
  );
  t.match(
    agent.log().find(({ event }) => event.startsWith('what was stored anew is refused, what was there is kept')),
    { level: 'error', event: /token is empty$/ },
  );
  await checkPairWithOpenssl(agent.identity);

  const next = await makeToken();
  store(next);
  t.equal((await agent.rotate()).status, 200);
  t.notMatch(agent.output(), next, 'and no token is ever shown');
});
