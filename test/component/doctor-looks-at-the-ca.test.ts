import t from 'tap';
import { systemClock } from '../../src/clock.ts';
import { openDataSources } from '../../src/data-source.ts';
import { examine } from '../../src/doctor/doctor.ts';
import { runDoctor } from '../helpers/doctor.ts';
import { loadMesh } from '../helpers/load-mesh.ts';
import { setUpTokenMesh } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const mesh = await setUpTokenMesh(vault, directory);

/** A PKI engine of its own, with whatever CA, for which the token of the root is used. */
async function examineMount(caTtl: string | undefined) {
  const pki = uniqueName('pki');
  await vault.cli(['secrets', 'enable', `-path=${pki}`, 'pki']);
  if (caTtl !== undefined) {
    await vault.cli(['write', `${pki}/root/generate/internal`, 'common_name=ca', `ttl=${caTtl}`]);
  }
  const { body } = await vault.api('GET', `${mesh.pki}/roles/dataplanes`);
  await vault.api('POST', `${pki}/roles/dataplanes`, body.data);
  const auth = `{token: {inlineString: ${vault.rootToken}}}`;
  return { pki, ...(await runDoctor({ directory, mesh: mesh.render({ pki, auth }) })) };
}

t.test('a mount without a CA, and the command makes one', async (t) => {
  const { finding, pki, code } = await examineMount(undefined);
  const found = finding('ca');
  t.match(found, { verdict: 'fail', cause: `${pki} has no CA yet` });
  t.match(finding('trial'), { verdict: 'skip', waitsFor: 'ca' });
  t.equal(code, 1);
  await vault.shell(found.command ?? 'exit 1');
  const auth = `{token: {inlineString: ${vault.rootToken}}}`;
  t.equal((await runDoctor({ directory, mesh: mesh.render({ pki, auth }) })).finding('trial').verdict, 'pass');
});

t.test('a CA that ends before the certificate would, and the command has it cut off', async (t) => {
  const { finding, pki } = await examineMount('2h');
  const found = finding('ca');
  t.match(found, { verdict: 'fail', cause: /ends in 1h59m, before a certificate of 1d would/ });
  t.match(finding('trial'), { verdict: 'fail', cause: /the CA ends at/ });
  await vault.shell(found.command ?? 'exit 1');
  const auth = `{token: {inlineString: ${vault.rootToken}}}`;
  t.match((await runDoctor({ directory, mesh: mesh.render({ pki, auth }) })).finding('trial'), {
    verdict: 'warn',
    cause: /shorter-lived than asked/,
  });
});

t.test('a CA that ends soon', async (t) => {
  const { finding, code } = await examineMount('240h');
  t.match(finding('ca'), { verdict: 'warn', cause: /ends in 9d23h/, remedy: /renew it now/ });
  t.equal(code, 0);
});

t.test('a mount that is not there', async (t) => {
  const { finding } = await runDoctor({ directory, mesh: mesh.render({ pki: 'pki_int' }) });
  t.match(finding('ca'), {
    verdict: 'fail',
    cause: 'there is no PKI engine at pki_int',
    command: 'vault secrets list',
  });
  const auth = `{token: {inlineString: ${vault.rootToken}}}`;
  const seen = await runDoctor({ directory, mesh: mesh.render({ pki: 'pki_int', auth }) });
  t.match(seen.finding('role'), { verdict: 'fail', cause: 'there is no secrets engine at pki_int' });
});

t.test('a role that is not there', async (t) => {
  const auth = `{token: {inlineString: ${vault.rootToken}}}`;
  const { finding } = await runDoctor({ directory, mesh: mesh.render({ role: 'nope', auth }) });
  t.match(finding('role'), {
    verdict: 'fail',
    cause: `there is no role "nope" in ${mesh.pki}`,
    command: `vault list ${mesh.pki}/roles`,
  });
  t.match(finding('trial'), { verdict: 'skip', waitsFor: 'role' });
});

t.test('clocks that differ', async (t) => {
  const config = loadMesh(mesh.render());
  const look = async (shiftMs: number) => {
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + shiftMs };
    const findings = await examine(config, {
      clock,
      random: Math.random,
      readSource: openDataSources(directory),
      trial: true,
    });
    return findings.find(({ check }) => check === 'clock');
  };
  t.match(await look(0), { verdict: 'pass' });
  t.match(await look(-12_000), { verdict: 'warn', cause: /our clock is 1\ds behind that of Vault/, remedy: /NTP/ });
  t.match(await look(-120_000), { verdict: 'fail', cause: /not valid yet for us/ });
  t.match(await look(3_600_000), { verdict: 'warn', cause: /ahead of/ });
  t.match(await look(2 * 86_400_000), { verdict: 'fail', cause: /have expired for us already/ });
});
