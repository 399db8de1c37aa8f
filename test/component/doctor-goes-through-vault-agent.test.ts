import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { runSetup, setUpTokenMesh } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultAgent } from '../helpers/vault-agent.ts';

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const { render, tokenFile } = await setUpTokenMesh(vault, directory);
const agent = await startVaultAgent(vault, {
  directory: join(directory, 'va'),
  token: readFileSync(tokenFile, 'utf8').trim(),
});
t.teardown(() => agent.process.stop());

/** The Mesh of somebody whose Vault Agent logs in for all. */
const through = (address: string) => render().replace(/( +)auth: .*/, `$1agentAddress: ${address}`);

t.test('over TCP and over a Unix socket, with the token of the Vault Agent', async (t) => {
  for (const address of [agent.address, agent.socketAddress]) {
    // VAULT_TOKEN is of the person who asks, and never taken for that of the agent.
    const environment = { VAULT_TOKEN: vault.rootToken };
    const { code, complaints, finding } = await runDoctor({ directory, environment, mesh: through(address) });
    t.same(complaints, []);
    t.equal(code, 0);
    t.match(finding('address'), { verdict: 'pass', cause: address });
    t.match(finding('login'), { verdict: 'pass', cause: /Vault Agent/ });
    t.match(finding('token').cause, /policies default, meshcert-/);
    t.equal(finding('role-names').verdict, 'pass');
  }
});

t.test('a Vault Agent that is not there', async (t) => {
  const gone = await runDoctor({ directory, mesh: through(`unix://${directory}/gone.sock`) });
  t.match(gone.finding('tcp'), { verdict: 'fail', cause: /there is no such socket/, remedy: /agentAddress/ });
  t.match(gone.finding('login'), { verdict: 'skip', waitsFor: 'tcp' });
});

t.test('setup goes to Vault itself', async (t) => {
  const { code, out } = await runSetup(vault, { directory, mesh: through(agent.address), args: ['--apply'] });
  t.equal(code, 0, out);
  t.match(out, /Give the auto-auth of your Vault Agent a login with the policy meshcert-/);
});
