import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { expectNotReady, expectRecovery } from '../helpers/expect-not-ready.ts';
import { renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { startVaultTls } from '../helpers/vault.ts';

const directory = temporaryDirectory(t);
let vault = await startVaultTls({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());
const { policy } = await configureKongVaultPki(vault, { mesh: 'default' });
const token = (await vault.cli(['token', 'create', '-field=token', `-policy=${policy}`])).trim();
const tokenFile = join(directory, 'token');
writeFileSync(tokenFile, token, { mode: 0o600 });

async function start(caFile: string | undefined): Promise<RunningAgent> {
  const auth = `{token: {file: ${tokenFile}}}`;
  const agent = await startAgent({
    directory: join(directory, uniqueName('agent')),
    mesh: renderVaultMesh({ address: vault.address, auth, caFile }),
  });
  t.teardown(() => agent.stop());
  return agent;
}

t.test('the CA file is wrong, then right', async (t) => {
  const { caFile: foreign } = await makeServerCertificate(directory, 'foreign');
  const late = join(directory, 'late-ca.crt');
  const garbage = join(directory, 'garbage-ca.crt');
  writeFileSync(garbage, 'to be replaced\n');
  const cases = [
    {
      what: 'the CA of somebody else',
      caFile: foreign,
      event: new RegExp(`^cannot reach Vault at ${vault.address} while .*: no CA that we trust signed Vault's TLS`),
      remedy: /^set conf.fromCp.tls.caCert to the CA that signed Vault's certificate$/,
    },
    {
      what: 'no file',
      caFile: late,
      event: new RegExp(`cannot read ${late}: no such file`),
      remedy: new RegExp(`make ${late} a file that this process may read`),
    },
    {
      what: 'no certificate in it',
      caFile: garbage,
      event: /^conf.fromCp.tls.caCert holds no PEM certificate$/,
      remedy: /^put the PEM certificate of the CA that signed Vault's TLS certificate there$/,
    },
  ];
  const opened = await Promise.all(cases.map(async (one) => ({ ...one, agent: await start(one.caFile) })));
  for (const { what, agent, caFile, ...trouble } of opened) {
    await t.test(what, (t) => expectNotReady(t, agent, trouble));
    copyFileSync(vault.caFile, caFile);
  }
  for (const { what, agent } of opened) await t.test(`${what}, mended`, (t) => expectRecovery(t, agent));
});

t.test('Vault is sealed, then unsealed', async (t) => {
  await vault.seal();
  const agent = await start(vault.caFile);
  await expectNotReady(t, agent, {
    event: new RegExp(`^Vault at ${vault.address} answered 503 while signing: sealed`),
    remedy: /^run: vault operator unseal$/,
  });
  await vault.unseal();
  await expectRecovery(t, agent);
});

t.test('Vault is away, then started', async (t) => {
  await vault.stop();
  const agent = await start(vault.caFile);
  await expectNotReady(t, agent, {
    event: new RegExp(`^cannot reach Vault at ${vault.address} while signing: connection refused$`),
    remedy: /^check conf.fromCp.address, and that Vault runs and listens there$/,
  });
  vault = await startVaultTls({ directory: join(directory, 'vault') }, vault);
  await expectRecovery(t, agent);
});
