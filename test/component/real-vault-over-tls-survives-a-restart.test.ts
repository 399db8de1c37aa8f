import t from 'tap';
import { startVaultTls } from '../helpers/vault.ts';

t.test('a Vault with a certificate is sealed, unsealed, stopped, and has its data when it is back', async (t) => {
  const directory = t.testdir();
  const first = await startVaultTls({ directory });
  t.teardown(() => first.stop());
  t.match(first.address, /^https:\/\/127\.0\.0\.1:\d+$/);
  await first.cli(['secrets', 'enable', '-path=kept', 'pki']);

  await first.seal();
  t.equal((await first.api('GET', 'sys/mounts')).status, 503);
  await first.unseal();
  t.equal((await first.api('GET', 'sys/mounts')).status, 200);

  await first.stop();
  await t.rejects(first.api('GET', 'sys/mounts'), { code: 'ECONNREFUSED' });

  const second = await startVaultTls({ directory }, first);
  t.teardown(() => second.stop());
  t.equal(second.address, first.address);
  t.match((await first.api('GET', 'sys/mounts')).body.data, { 'kept/': { type: 'pki' } });
});
