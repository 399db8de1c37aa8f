import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);
const { mount, policy } = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });
const token = (await vault.cli(['token', 'create', `-policy=${policy}`, '-field=token'])).trim();
const mesh = `type: Mesh
name: default
mtls:
  enabledBackend: vault-1
  backends:
  - {name: vault-1, type: vault, conf: {fromCp: {pki: ${mount}}}}`;
const env = { VAULT_ADDR: vault.address, VAULT_TOKEN: token };

t.test('a Mesh without address and login gets a certificate, and the token stays a secret', async (t) => {
  const agent = await startAgent({ directory: temporaryDirectory(t), mesh, env, options: ['--once'] });
  t.equal((await agent.exited).code, 0, agent.output());
  t.match(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'), '-----BEGIN CERTIFICATE-----');
  t.notMatch(agent.output(), token);
});

t.test('a variable that says neither yes nor no ends the program with its name', async (t) => {
  const directory = temporaryDirectory(t);
  const agent = await startAgent({ directory, mesh, env: { ...env, VAULT_SKIP_VERIFY: 'maybe' }, options: ['--once'] });
  t.equal((await agent.exited).code, 2);
  t.match(agent.output(), 'environment: VAULT_SKIP_VERIFY: expected true or false, got "maybe"');
});
