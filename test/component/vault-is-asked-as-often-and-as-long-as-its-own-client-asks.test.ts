import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openBothVaultClients } from '../helpers/both-vault-clients.ts';
import { countCertificates } from '../helpers/count-certificates.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { openTcpRelay } from '../helpers/tcp-relay.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { startVault, startVaultTls } from '../helpers/vault.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

type Environment = Readonly<Record<string, string>>;
type Clients = Awaited<ReturnType<typeof openBothVaultClients>>;

const directory = temporaryDirectory(t);
const vault = await startVault({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());
const role = { key_type: 'ec', key_bits: '256' };
const { mount } = await configureKongVaultPki(vault, { mesh: 'default', role });
const both = await openBothVaultClients(directory, mount);
const SIGN = `${mount}/sign/dataplanes`;

/** How often one client asks for the signature, of a Vault that answers the first of them with this status. */
async function countRequests(t: Test, client: keyof Clients, { status, times, ...environment }: Failing) {
  let left = times;
  const relay = await openVaultRelay(vault.address, {
    intercept({ path }) {
      if (path !== SIGN || left === 0) return undefined;
      left -= 1;
      return { status, body: { errors: ['not now'] } };
    },
  });
  t.teardown(() => relay.close());
  const tried = await both[client]({ ...environment, VAULT_ADDR: relay.address, VAULT_TOKEN: vault.rootToken });
  return { ...tried, requests: relay.calls.filter(({ path }) => path === SIGN).length };
}

type Failing = { readonly status: number; readonly times: number; readonly VAULT_MAX_RETRIES: string };

t.test('a request that fails is repeated as often as VAULT_MAX_RETRIES says, where that can help', async (t) => {
  const cases: readonly (readonly [
    status: number,
    times: number,
    retries: string,
    requests: number,
    isSigned: boolean,
  ])[] = [
    [500, 9, '', 1, false],
    [500, 9, '0', 1, false],
    [500, 1, '1', 2, true],
    [500, 9, '1', 2, false],
    [502, 9, '1', 2, false],
    [503, 2, '2', 3, true],
    [412, 1, '1', 2, true],
    [429, 1, '1', 2, true],
    [473, 9, '1', 1, false],
    [501, 9, '1', 1, false],
    [400, 9, '1', 1, false],
    [405, 9, '1', 1, false],
  ];
  await Promise.all(
    cases.map(async ([status, times, VAULT_MAX_RETRIES, requests, isSigned]) => {
      const failing = { status, times, VAULT_MAX_RETRIES };
      const [official, ours] = await Promise.all([
        countRequests(t, 'official', failing),
        countRequests(t, 'ours', failing),
      ]);
      const name = `${status}, ${times} times, VAULT_MAX_RETRIES=${VAULT_MAX_RETRIES}`;
      t.match(official, { requests, isSigned }, `${name}: vault: ${official.text}`);
      t.match(ours, { requests, isSigned }, `${name}: ours: ${ours.text}`);
      if (!isSigned) t.match(ours.text, `answered ${status}`, 'the reason is told');
    }),
  );
});

t.test(
  'an answer that is cut off is asked for again only where retries are wanted, as it buys a second one',
  async (t) => {
    for (const client of ['official', 'ours'] as const) {
      for (const [VAULT_MAX_RETRIES, isSigned, bought] of [
        ['', false, 1],
        ['1', true, 2],
      ] as const) {
        const relay = await openTcpRelay(Number(new URL(vault.address).port));
        t.teardown(() => relay.close());
        const before = await countCertificates(vault, mount);
        relay.cutNextAnswer();
        const environment = { VAULT_MAX_RETRIES, VAULT_ADDR: `http://127.0.0.1:${relay.port}` };
        const tried = await both[client]({ ...environment, VAULT_TOKEN: vault.rootToken });
        t.equal(tried.isSigned, isSigned, tried.text);
        t.equal((await countCertificates(vault, mount)) - before, bought, `${client} ${VAULT_MAX_RETRIES}`);
      }
    }
  },
);

t.test('silence is waited for as long as VAULT_CLIENT_TIMEOUT says', async (t) => {
  const relay = await openVaultRelay(vault.address);
  t.teardown(() => relay.close());
  relay.hold(SIGN);
  const environment = { VAULT_ADDR: relay.address, VAULT_TOKEN: vault.rootToken };
  await Promise.all(
    ['1', '0.5s', '400ms'].map(async (VAULT_CLIENT_TIMEOUT) => {
      const all = { ...environment, VAULT_CLIENT_TIMEOUT, VAULT_MAX_RETRIES: '2' };
      const [official, ours] = await Promise.all([both.official(all), both.ours(all)]);
      t.match(official, { isSigned: false, text: /context deadline exceeded/ });
      t.match(ours, { isSigned: false, error: { code: 'ERR_CA_UNREACHABLE' } });
      t.match(
        ours.text,
        `no answer from Vault at ${relay.address} within ${Number.parseFloat(VAULT_CLIENT_TIMEOUT.replace('400ms', '0.4'))} s`,
      );
    }),
  );
});

t.test('headers of VAULT_HEADERS are sent, and shown by nobody', async (t) => {
  const key = 'canary-key-0123456789';
  const gateway: { isBarred: boolean } = { isBarred: false };
  const relay = await openVaultRelay(vault.address, {
    intercept: ({ headers }) =>
      gateway.isBarred ? { status: 400, body: { errors: [`bad key ${headers['x-gateway']}`] } } : undefined,
  });
  t.teardown(() => relay.close());
  const environment = {
    VAULT_ADDR: relay.address,
    VAULT_TOKEN: vault.rootToken,
    VAULT_HEADERS: JSON.stringify({ 'X-Gateway': key, Accept: 'text/html' }),
  };
  for (const client of ['official', 'ours'] as const) {
    const tried = await both[client](environment);
    t.ok(tried.isSigned, tried.text);
  }
  const signed = relay.calls.filter(({ path }) => path === SIGN);
  t.same(
    signed.map(({ headers }) => headers['x-gateway']),
    [key, key],
  );
  gateway.isBarred = true;
  const { text } = await both.ours(environment);
  t.match(text, 'bad key [redacted]');
  t.notMatch(text, 'canary');
});

t.test('a redirect is not followed where VAULT_DISABLE_REDIRECTS says so', async (t) => {
  const active = await startVaultTls({ directory: join(directory, 'active') });
  t.teardown(() => active.stop());
  await configureKongVaultPki(active, { mesh: 'default', role });
  const certificate = await makeServerCertificate(directory, 'standby');
  const caFile = join(directory, 'both-cas.crt');
  copyFileSync(active.caFile, caFile);
  appendFileSync(caFile, `\n${certificate.caPem}`);
  const identity = { cert: readFileSync(certificate.certificateFile), key: readFileSync(certificate.keyFile) };
  const standby = createServer(identity, ({ url }, response) => {
    response.writeHead(307, { location: `${active.address}${url}` }).end();
  });
  await new Promise<void>((resolve) => standby.listen(0, '127.0.0.1', resolve));
  t.teardown(() => standby.close());
  const environment: Environment = {
    VAULT_ADDR: `https://127.0.0.1:${(standby.address() as AddressInfo).port}`,
    VAULT_TOKEN: active.rootToken,
    VAULT_CACERT: caFile,
  };
  for (const client of ['official', 'ours'] as const) {
    for (const [VAULT_DISABLE_REDIRECTS, isSigned] of [
      ['', true],
      ['false', true],
      ['1', false],
    ] as const) {
      const tried = await both[client]({ ...environment, VAULT_DISABLE_REDIRECTS });
      t.equal(tried.isSigned, isSigned, `${client} ${VAULT_DISABLE_REDIRECTS}: ${tried.text}`);
    }
  }
});

t.test('what Vault refuses to read, we refuse with the name of the variable', async (t) => {
  const environment = { VAULT_ADDR: vault.address, VAULT_TOKEN: vault.rootToken };
  for (const [name, value, message] of [
    ['VAULT_MAX_RETRIES', '-1', 'expected a whole number, got "-1"'],
    ['VAULT_MAX_RETRIES', '1.5', 'expected a whole number'],
    ['VAULT_MAX_RETRIES', '4294967296', 'expected a whole number'],
    ['VAULT_CLIENT_TIMEOUT', 'soon', 'expected a duration of at least 1ms, got "soon"'],
    ['VAULT_CLIENT_TIMEOUT', '1 s', 'expected a duration'],
    ['VAULT_CLIENT_TIMEOUT', '1w', 'expected a duration'],
    ['VAULT_CLIENT_TIMEOUT', '1.5d', 'expected a duration'],
    ['VAULT_DISABLE_REDIRECTS', 'maybe', 'expected true or false, got "maybe"'],
    ['VAULT_HEADERS', '{"X-A"', 'expected a JSON object of headers'],
    ['VAULT_HEADERS', '{"X-A": 1}', 'expected text on one line as the value of "X-A"'],
    ['VAULT_HEADERS', '{"X-Vault-Token": "canary"}', 'the header "X-Vault-Token" is for internal use only'],
  ] as const) {
    const [official, ours] = await Promise.all([
      both.official({ ...environment, [name]: value }),
      both.ours({ ...environment, [name]: value }),
    ]);
    t.equal(official.isSigned, false, `vault: ${name}=${value}: ${official.text}`);
    t.match(ours, { isSigned: false, text: `environment: ${name}: ${message}` });
    t.notMatch(ours.text, 'canary');
  }
  for (const value of ['1h2m3.5s', '.5h', '1.s', '2d', '+60', '0', '1m1m', '60000000us']) {
    const [official, ours] = await Promise.all([
      both.official({ ...environment, VAULT_CLIENT_TIMEOUT: value }),
      both.ours({ ...environment, VAULT_CLIENT_TIMEOUT: value }),
    ]);
    t.match({ official, ours }, { official: { isSigned: true }, ours: { isSigned: true } }, `${value}: ${ours.text}`);
  }
});
