import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { countCertificates } from '../helpers/count-certificates.ts';
import { eventually } from '../helpers/eventually.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVaultTls } from '../helpers/vault.ts';
import { startVaultAgent } from '../helpers/vault-agent.ts';
import { STS_CALLER, setUpAuthMethods, useAwsCredentials } from '../helpers/vault-auth-methods.ts';
import { openVaultIssuer, type VaultIssuerOptions } from '../helpers/vault-issuer.ts';

const directory = temporaryDirectory(t);
const { cluster } = await sharedPeers(t);
const vault = await startVaultTls({ directory: join(directory, 'v') });
t.teardown(() => vault.stop());
const role = { key_type: 'ec', key_bits: '256' };
const pkis = {
  sign: await configureKongVaultPki(vault, { mesh: 'default', mount: 'pki-sign', role }),
  issue: await configureKongVaultPki(vault, { mesh: 'default', mount: 'pki-issue', grant: 'issue', role }),
};
const policies = Object.values(pkis).map(({ policy }) => policy);
const methods = await setUpAuthMethods(t, vault, { cluster, directory, policies });
useAwsCredentials(t, STS_CALLER);
const agentToken = (await vault.cli(['token', 'create', '-policy=default', '-field=token'])).trim();
const agent = await startVaultAgent(vault, { directory: join(directory, 'a'), token: agentToken });
t.teardown(() => agent.process.stop());

const caCert = { kind: 'file', path: vault.caFile } as const;
const ways = {
  'straight to Vault': { address: vault.address, tls: { caCert } },
  'through Vault Agent': { address: 'https://vault.invalid:8200', agentAddress: agent.socketAddress },
} as const;

for (const method of ['kubernetes', 'token', 'tls', 'approle', 'jwt', 'aws'] as const) {
  for (const [way, reach] of Object.entries(ways)) {
    // The certificate of a connection gets no further than its other end.
    if (method === 'tls' && 'agentAddress' in reach) continue;
    for (const [endpoint, pki] of Object.entries(pkis)) {
      t.test(`${method}, ${way}, by ${endpoint}`, async (t) => {
        const tls = method === 'tls' ? { tls: { caCert, ...methods.connection } } : {};
        const options: VaultIssuerOptions = { ...reach, ...tls, pki: pki.mount, auth: methods[method] };
        const vaultIssuer = openVaultIssuer(options);
        t.teardown(() => vaultIssuer.issuer.close());
        const before = await countCertificates(vault, pki.mount);

        const { issued, identity } = await vaultIssuer.issue();

        t.equal(issued.privateKeyPem === undefined, endpoint === 'sign', 'the key is made where it should be');
        t.equal(new X509Certificate(identity.chain[0] ?? '').subject, undefined, 'without a subject');
        t.same(vaultIssuer.seen.steps, method === 'token' ? ['sign'] : ['login', 'sign']);
        t.equal(await countCertificates(vault, pki.mount), before + 1, 'one was issued');

        vaultIssuer.secrets.push(...methods.secrets);
        t.equal((await vaultIssuer.fail({ spiffeId: new SpiffeId('elsewhere', '/web') })).code, 'ERR_CA_REFUSED');
        const said = vaultIssuer.said.join('\n');
        for (const secret of vaultIssuer.secrets)
          t.notOk(said.includes(secret), `${secret.slice(0, 4)}... is not said`);
      });
    }
  }
}

t.test('what logged in is given back, and the configured token is not', async (t) => {
  const left = async () => {
    const { body } = await vault.api('LIST', 'auth/token/accessors');
    const accessors = (body.data as { readonly keys: readonly string[] }).keys;
    const found = await Promise.all(
      accessors.map((accessor) => vault.api('POST', 'auth/token/lookup-accessor', { accessor })),
    );
    return found.map((one) => String(one.body.data?.path ?? '')).filter((path) => path.endsWith('/login'));
  };
  await eventually('no token of a login is left', async () => (await left()).length === 0);
  const token = await vault.api('POST', 'auth/token/lookup', { token: methods.secrets[0] });
  t.equal(token.status, 200);
});

t.test('AWS was asked, and found every signature right', async (t) => {
  t.same([...new Set(methods.stsAnswers)], ['OK']);
});
