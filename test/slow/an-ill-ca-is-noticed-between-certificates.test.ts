import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { countCertificates } from '../helpers/count-certificates.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';

/** Longer than from one probe to the next. */
const ONE_PROBE = { timeoutMs: 75_000, everyMs: 250 };

const directory = temporaryDirectory(t);
const vault = await startVaultTls({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());
const { mount, policy } = await configureKongVaultPki(vault, { mesh: 'default' });
const tokenFile = join(directory, 'token');
const token = await vault.cli(['token', 'create', '-field=token', `-policy=${policy}`]);
writeFileSync(tokenFile, token, { mode: 0o600 });

t.test('Vault is sealed and unsealed while nothing is due: it is told, and nothing else changes', async (t) => {
  const agent = await startAgent({
    directory: join(directory, 'agent'),
    mesh: renderVaultMesh({ address: vault.address, caFile: vault.caFile, auth: `{token: {file: ${tokenFile}}}` }),
  });
  t.teardown(() => agent.stop());
  await agent.waitReady();
  const before = await agent.status();
  const issued = await countCertificates(vault, mount);

  await vault.seal();
  const ill = await eventually(
    'the agent knows',
    async () => {
      const status = await agent.status();
      return status.ca.state === 'Unknown' && status;
    },
    ONE_PROBE,
  );
  t.match(ill.ca.reason, /answered 503 while asking for its health: sealed/);
  t.equal(ill.lastError, undefined, 'as nothing has failed that anybody asked for');
  const ready = await agent.probe('/readyz');
  t.equal(ready.status, 200);
  t.match(ready.text, `\n[i] CA of vault-1: Unknown since ${ill.ca.since}: `);
  t.equal((await agent.metrics()).get('meshcert_ca_connected{backend="vault-1"}'), 0);

  await vault.unseal();
  const well = await eventually(
    'the agent knows',
    async () => {
      const status = await agent.status();
      return status.ca.state === 'Connected' && status;
    },
    ONE_PROBE,
  );
  t.equal((await agent.metrics()).get('meshcert_ca_connected{backend="vault-1"}'), 1);
  t.same(well.certificate, before.certificate);
  t.equal(await countCertificates(vault, mount), issued, 'no certificate was asked for');
  await checkPairWithOpenssl(agent.identity);
  const lines = agent.log().filter(({ event }) => /could not sign now|well again/.test(event));
  t.match(lines, [
    { level: 'warn', event: 'the CA could not sign now', reason: /sealed/, remedy: 'run: vault operator unseal' },
    { level: 'info', event: 'the CA is well again' },
  ]);
  t.equal(lines.length, 2, 'one line for each change');
});
