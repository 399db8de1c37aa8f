import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { openVaultIssuer, type VaultIssuer } from '../helpers/vault-issuer.ts';
import { createWorkload } from '../helpers/vault-login.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const peers = await sharedPeers(t);
const { vault } = peers;
const directory = t.testdir({});
const role = { key_type: 'ec', key_bits: '256' };

/** The secrets of the issuer, and more, whole and each dotted part of them. */
function check(t: Test, { said, secrets }: VaultIssuer, ...more: string[]): void {
  const wanted = [...secrets, ...more.flatMap((secret) => [secret, ...secret.split('.')])];
  t.ok(wanted.length > 0 && said.length > 0);
  const text = said.join('\n');
  for (const secret of wanted) {
    if (secret.length >= 8) t.notOk(text.includes(secret), `"${secret.slice(0, 6)}..." is not said`);
  }
}

t.test('what happens in every state is said without token, key or request', async (t) => {
  const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki'), grant: 'issue', role });
  const workload = await createWorkload(peers, { directory, policies: [pki.policy] });
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  const vaultIssuer = openVaultIssuer({ address: relay.address, pki: pki.mount, auth: workload.auth });
  await vaultIssuer.issue({ ttlSeconds: 90 * 86_400 });
  await vaultIssuer.fail({ spiffeId: new SpiffeId('elsewhere', '/web') });
  const refused = { ...workload.auth, role: 'nope' };
  const [head, claims] = workload.jwt.split('.');
  const forged = join(directory, 'forged');
  writeFileSync(forged, `${head}.${claims}.Y2FuYXJ5Y2FuYXJ5`);
  for (const auth of [refused, { ...workload.auth, tokenPath: forged }, 'canary-token', 'canary\ntoken']) {
    const other = openVaultIssuer({ address: relay.address, pki: pki.mount, auth });
    t.notMatch(inspect(await other.fail(), { depth: 9 }), /canary|Y2FuYXJ5/, 'nor is it in the error at any depth');
    check(t, other, workload.jwt, 'canary-token');
  }
  await vaultIssuer.issuer.close();
  const tokens = relay.calls.map(({ headers }) => String(headers['x-vault-token'] ?? ''));
  check(t, vaultIssuer, workload.jwt, ...tokens.filter((token) => token !== ''));
});

t.test('a CA that quotes what it was sent is not repeated', async (t) => {
  const workload = await createWorkload(peers, { directory, policies: ['default'] });
  const server = createServer(async (request, response) => {
    const body = await request.setEncoding('utf8').reduce((all: string, chunk: string) => all + chunk, '');
    const errors = [`bad request ${body} of ${request.headers['x-vault-token']}`];
    response.writeHead(400).end(JSON.stringify({ errors }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const login = openVaultIssuer({ address, auth: workload.auth });
  t.match(await login.fail(), { code: 'ERR_CA_REFUSED', message: /bad request/ });
  check(t, login, workload.jwt);
  const sign = openVaultIssuer({ address, auth: 'canary-token' });
  await sign.fail();
  check(t, sign, 'canary-token');
});
