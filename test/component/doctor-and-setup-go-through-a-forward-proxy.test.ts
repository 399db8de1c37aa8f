import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { type ForwardProxyOptions, openForwardProxy } from '../helpers/forward-proxy.ts';
import { freePort } from '../helpers/free-port.ts';
import { makeServerCertificate } from '../helpers/server-certificate.ts';
import { runSetup, setUpTokenMesh } from '../helpers/setup-vault.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { startVaultTls } from '../helpers/vault.ts';

const directory = temporaryDirectory(t);
const vault = await startVaultTls({ directory: join(directory, 'vault') });
t.teardown(() => vault.stop());
const port = Number(new URL(vault.address).port);
const mesh = await setUpTokenMesh(vault, directory);
/** Nobody but the proxies knows this name. */
const ADDRESS = 'https://vault.test:8200';
const NAMED = mesh.render({ address: ADDRESS });

async function openProxy(t: Test, options: Partial<ForwardProxyOptions> = {}) {
  const proxy = await openForwardProxy({ hosts: { 'vault.test:8200': port }, ...options });
  t.teardown(() => proxy.close());
  return proxy;
}

const examine = (environment: Readonly<Record<string, string>>, text = NAMED) =>
  runDoctor({ directory, mesh: text, environment: { VAULT_TLS_SERVER_NAME: 'localhost', ...environment } });

t.test('doctor says which proxy it goes through, and finds nothing wrong', async (t) => {
  const proxy = await openProxy(t, { credentials: 'mesh:canary' });
  const HTTPS_PROXY = proxy.address.replace('//', '//mesh:canary@');
  const { code, complaints, finding, text } = await examine({ HTTPS_PROXY });
  t.same(complaints, []);
  t.equal(code, 0);
  t.match(finding('proxy'), {
    verdict: 'pass',
    cause: `the proxy ${proxy.address} (HTTPS_PROXY) connects to vault.test:8200`,
  });
  t.match(finding('dns'), { verdict: 'skip', cause: 'the proxy looks up the name' });
  t.match(finding('tcp'), { verdict: 'skip' });
  t.match(finding('tls'), { verdict: 'pass', cause: /TLSv1.3; .* trusted by tls.caCert/ });
  t.match(finding('trial'), { verdict: 'pass' });
  t.notMatch(text, 'canary');
});

t.test('a Vault that is asked directly has no such check', async (t) => {
  const { code, findings } = await examine({ HTTPS_PROXY: 'http://127.0.0.1:9' }, mesh.render());
  t.equal(code, 0);
  t.notOk(findings.some(({ check }) => check === 'proxy'));
});

t.test('what is wrong with the proxy is not said of Vault', async (t) => {
  const expect = async (environment: Readonly<Record<string, string>>, wanted: object) => {
    const { code, finding, text } = await examine(environment);
    t.equal(code, 1);
    t.match(finding('proxy'), { verdict: 'fail', ...wanted });
    t.match(finding('dns'), { verdict: 'skip', waitsFor: 'proxy' });
    t.match(finding('tls'), { verdict: 'skip', waitsFor: 'proxy' });
    t.notMatch(text, 'canary');
  };
  await expect(
    { VAULT_PROXY_ADDR: `http://mesh:canary@127.0.0.1:${await freePort()}` },
    { cause: /cannot reach the proxy http:\/\/127.*: connection refused/, remedy: /check VAULT_PROXY_ADDR/ },
  );
  const wanting = await openProxy(t, { credentials: 'mesh:secret' });
  await expect(
    { VAULT_PROXY_ADDR: wanting.address },
    { cause: /answered 407 .*: it wants user and password/, remedy: /write them into VAULT_PROXY_ADDR/ },
  );
  await expect(
    { VAULT_PROXY_ADDR: wanting.address.replace('//', '//mesh:canary@') },
    { cause: /answered 407 .*: it does not accept user and password/, remedy: /correct those/ },
  );
  const refusing = await openProxy(t, { refusal: 403 });
  await expect({ VAULT_PROXY_ADDR: refusing.address }, { cause: /answered 403 .*: it does not let us through/ });
  const lost = await openProxy(t, { hosts: {} });
  await expect({ VAULT_PROXY_ADDR: lost.address }, { cause: /answered 502 .*: it cannot reach Vault/ });
  const silent = await openProxy(t, { isSilent: true });
  await expect(
    { VAULT_PROXY_ADDR: silent.address, VAULT_CLIENT_TIMEOUT: '300ms' },
    { cause: /cannot reach the proxy .*: no answer in time/ },
  );
});

t.test('what is wrong with Vault behind it is said of Vault', async (t) => {
  const proxy = await openProxy(t);
  const other = await makeServerCertificate(directory, 'other');
  const { finding } = await examine(
    { HTTPS_PROXY: proxy.address },
    NAMED.replace(/file: .*-ca.crt/, `file: ${other.caFile}`),
  );
  t.match(finding('proxy'), { verdict: 'pass' });
  t.match(finding('tls'), { verdict: 'fail', cause: /no CA that we trust signed Vault's TLS certificate/ });
});

t.test('setup --apply goes the same way, and says as much when it is barred', async (t) => {
  const proxy = await openProxy(t, { credentials: 'mesh:canary' });
  const environment = { VAULT_ADDR: ADDRESS, VAULT_TLS_SERVER_NAME: 'localhost' };
  const fresh = mesh.render({ pki: uniqueName('pki'), address: ADDRESS });
  const through = { ...environment, HTTPS_PROXY: proxy.address.replace('//', '//mesh:canary@') };
  const done = await runSetup(vault, { directory, mesh: fresh, args: ['--apply'], environment: through });
  t.equal(done.code, 0, done.out + done.error);
  t.match(done.out, /^made /m);
  t.same([...new Set(proxy.asked)], ['CONNECT vault.test:8200']);
  const barred = { ...environment, HTTPS_PROXY: proxy.address };
  const failed = await runSetup(vault, { directory, mesh: fresh, args: ['--apply'], environment: barred });
  t.equal(failed.code, 1);
  t.match(
    failed.error,
    /the proxy http:\/\/127.* answered 407 .*: it wants user and password; write them into HTTPS_PROXY/,
  );
  const wrong = { ...environment, VAULT_MAX_RETRIES: 'many' };
  const refused = await runSetup(vault, { directory, mesh: fresh, args: ['--apply'], environment: wrong });
  t.match(refused, { code: 2, error: /VAULT_MAX_RETRIES: expected a whole number/ });
  t.notMatch(done.out + done.error + failed.error, 'canary');
});
