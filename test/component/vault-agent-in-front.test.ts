import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { countCertificates } from '../helpers/count-certificates.ts';
import { freePort } from '../helpers/free-port.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';
import { startVaultAgent, type VaultAgentOptions } from '../helpers/vault-agent.ts';
import { openVaultIssuer, type VaultIssuerOptions } from '../helpers/vault-issuer.ts';

const directory = temporaryDirectory(t);
const vault = await startVaultTls({ directory: join(directory, 'v') });
t.teardown(() => vault.stop());
const { mount, policy } = await configureKongVaultPki(vault, {
  mesh: 'default',
  role: { key_type: 'ec', key_bits: '256' },
});
const token = (await vault.cli(['token', 'create', `-policy=${policy}`, '-field=token'])).trim();
const never = new AbortController().signal;

const startAgent = async (name: string, options: Partial<VaultAgentOptions> = {}) => {
  const agent = await startVaultAgent(vault, { directory: join(directory, name), token, ...options });
  t.teardown(() => agent.process.stop());
  return agent;
};

/** Vault's own address leads nowhere: whoever goes there is noticed. */
function open(agentAddress: string, options: Partial<VaultIssuerOptions> = {}) {
  const address = 'https://vault.invalid:8200';
  const vaultIssuer = openVaultIssuer({ address, agentAddress, pki: mount, auth: { method: 'agent' }, ...options });
  t.teardown(() => vaultIssuer.issuer.close());
  return vaultIssuer;
}

async function issuesAndLooks(t: Test, agentAddress: string, options: Partial<VaultIssuerOptions> = {}) {
  const vaultIssuer = open(agentAddress, options);
  const { identity } = await vaultIssuer.issue();
  t.match(identity.chain.length, 1);
  await t.resolves(vaultIssuer.issuer.probe(never));
  t.same(await vaultIssuer.issuer.readRoots(never), identity.trustBundle);
}

const agent = await startAgent('a');

t.test('over its port and over its socket, with its token, and with the header that it demands', async (t) => {
  await issuesAndLooks(t, agent.address);
  await issuesAndLooks(t, agent.socketAddress);
});

t.test('with a token of our own', async (t) => {
  await issuesAndLooks(t, agent.socketAddress, { auth: token });
});

t.test('Vault Proxy is as good', async (t) => {
  const proxy = await startAgent('p', { program: 'proxy' });
  await issuesAndLooks(t, proxy.address);
  await issuesAndLooks(t, proxy.socketAddress);
});

t.test('what its token may not do is named with what to grant', async (t) => {
  const poor = (await vault.cli(['token', 'create', '-policy=default', '-field=token'])).trim();
  const { address } = await startAgent('d', { token: poor });
  const before = await countCertificates(vault, mount);
  t.match(await open(address).fail(), { code: 'ERR_CA_DENIED', remedy: new RegExp(`path "${mount}/sign/dataplanes"`) });
  t.equal(await countCertificates(vault, mount), before);
});

t.test('when it is not there, it is named, and not Vault', async (t) => {
  const socket = join(directory, 'nobody.sock');
  t.match(await open(`unix://${socket}`).fail(), {
    code: 'ERR_CA_UNREACHABLE',
    retry: 'soon',
    message: `cannot reach the Vault Agent at unix://${socket} while signing: there is no such socket`,
    remedy: /conf.fromCp.agentAddress, and that Vault Agent runs/,
  });
  writeFileSync(socket, '');
  t.match(await open(`unix://${socket}`).fail(), { code: 'ERR_CA_UNREACHABLE', message: /nobody listens|no socket/ });
  const long = `unix:///${'x'.repeat(120)}`;
  t.match(await open(long).fail(), { code: 'ERR_CA_UNREACHABLE', message: /longer than that of a socket/ });
  const address = `http://127.0.0.1:${await freePort()}`;
  t.match(await open(address).fail(), {
    code: 'ERR_CA_UNREACHABLE',
    message: `cannot reach the Vault Agent at ${address} while signing: connection refused`,
    remedy: /agentAddress, and that Vault Agent runs/,
  });
});

t.test('when Vault behind it is sealed or away, that is told as far as it tells', async (t) => {
  const hasty = await startAgent('h', { retries: false });
  const before = await countCertificates(vault, mount);
  await vault.seal();
  t.match(await open(hasty.socketAddress).fail(), {
    code: 'ERR_CA_UNAVAILABLE',
    message: `the Vault Agent at ${hasty.socketAddress} answered 503 while signing: sealed`,
    remedy: 'run: vault operator unseal',
  });
  await t.rejects(open(hasty.address).issuer.probe(never), {
    code: 'ERR_CA_UNAVAILABLE',
    message: /the Vault Agent at .* answered 503 while asking for its health: sealed/,
  });
  const patient = open(agent.socketAddress, { requestTimeoutMs: 300 });
  t.match(await patient.fail(), {
    code: 'ERR_CA_UNREACHABLE',
    message: `no answer from the Vault Agent at ${agent.socketAddress} within 0.3 s while signing`,
    remedy: /log of the Vault Agent/,
  });
  await vault.unseal();
  await t.resolves(patient.issue());
  t.equal(await countCertificates(vault, mount), before + 1, 'one, however often it was asked for');

  await vault.stop();
  t.match(await open(hasty.address).fail(), {
    code: 'ERR_CA_UNREACHABLE',
    message: /the Vault Agent at .* answered 500 while signing: it cannot reach Vault/,
    remedy: /log of the Vault Agent/,
  });
});
