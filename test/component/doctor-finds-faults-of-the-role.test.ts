import t, { type Test } from 'tap';
import type { Verdict } from '../../src/doctor/examination.ts';
import { runDoctor } from '../helpers/doctor.ts';
import { setUpTokenMesh } from '../helpers/setup-vault.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

interface Fault {
  readonly name: string;
  /** What is wrong with the role. */
  readonly role: readonly string[];
  readonly check: string;
  readonly verdict: Verdict;
  readonly cause: RegExp;
  /** Of the Agent. */
  readonly keyType?: string;
}

const { vault } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const mesh = await setUpTokenMesh(vault, directory);
const rolePath = `${mesh.pki}/roles/dataplanes`;
const { body } = await vault.api('GET', rolePath);

const FAULTS: readonly Fault[] = [
  {
    name: 'another trust domain',
    role: ['allowed_uri_sans=spiffe://elsewhere/*'],
    check: 'role-names',
    verdict: 'fail',
    cause: /allowed_uri_sans \(spiffe:\/\/elsewhere\/\*\) does not allow spiffe:\/\/default\/web/,
  },
  {
    name: 'a trust domain where a pattern belongs, as in the document of Tanzu',
    role: ['allowed_uri_sans=default'],
    check: 'role-names',
    verdict: 'fail',
    cause: /does not allow spiffe/,
  },
  {
    name: 'any name',
    role: ['allowed_uri_sans=*'],
    check: 'role-names',
    verdict: 'warn',
    cause: /every trust domain/,
  },
  {
    name: 'any host name',
    role: ['allow_any_name=true'],
    check: 'role-names',
    verdict: 'warn',
    cause: /allow_any_name is set/,
  },
  {
    name: 'a common name is demanded',
    role: ['require_cn=true'],
    check: 'role-common-name',
    verdict: 'fail',
    cause: /require_cn/,
  },
  {
    name: 'RSA by default',
    role: ['key_type=rsa', 'key_bits=2048'],
    check: 'role-key-type',
    verdict: 'warn',
    cause: /the agent makes rsa-2048 keys/,
  },
  {
    name: 'keys of a kind that we do not make',
    role: ['key_type=ed25519', 'key_bits=0'],
    check: 'role-key-type',
    verdict: 'fail',
    cause: /we make no such keys/,
  },
  {
    name: 'another key than the Agent wants',
    role: [],
    keyType: 'rsa-3072',
    check: 'role-key-type',
    verdict: 'fail',
    cause: /does not take our rsa-3072 key/,
  },
  {
    name: 'a longer key than the Agent wants',
    role: ['key_type=ec', 'key_bits=384'],
    keyType: 'ec-p256',
    check: 'role-key-type',
    verdict: 'fail',
    cause: /key_bits=384 does not take our ec-p256 key/,
  },
  {
    name: 'no digital signature',
    role: ['key_usage=KeyEncipherment'],
    check: 'role-key-usage',
    verdict: 'fail',
    cause: /lacks DigitalSignature/,
  },
  {
    name: 'the prefix of the document of Kong Mesh',
    role: ['key_usage=KeyUsageKeyEncipherment,KeyUsageDigitalSignature'],
    check: 'role-key-usage',
    verdict: 'warn',
    cause: /Vault ignores KeyUsageKeyEncipherment, KeyUsageDigitalSignature .* so certificates have none/,
  },
  {
    name: 'no usage',
    role: ['key_usage='],
    check: 'role-key-usage',
    verdict: 'warn',
    cause: /key_usage is empty/,
  },
  {
    name: 'the usage of a CA',
    role: ['key_usage=DigitalSignature,CertSign'],
    check: 'role-key-usage',
    verdict: 'fail',
    cause: /only a CA may have/,
  },
  {
    name: 'not for servers',
    role: ['server_flag=false'],
    check: 'role-extended-key-usage',
    verdict: 'fail',
    cause: /not for servers;/,
  },
  {
    name: 'not for clients',
    role: ['client_flag=false', 'ext_key_usage=ExtKeyUsageClientAuth'],
    check: 'role-extended-key-usage',
    verdict: 'fail',
    cause: /not for clients;/,
  },
  {
    name: 'no basic constraints',
    role: ['basic_constraints_valid_for_non_ca=false'],
    check: 'role-basic-constraints',
    verdict: 'warn',
    cause: /Python and Rust/,
  },
  {
    name: 'a shorter life',
    role: ['ttl=1h', 'max_ttl=1h'],
    check: 'role-lifetime',
    verdict: 'warn',
    cause: /live 1h instead of the 1d/,
  },
  {
    name: 'no back-dating',
    role: ['not_before_duration=1s'],
    check: 'role-back-dating',
    verdict: 'warn',
    cause: /whoever's clock is behind/,
  },
  {
    name: 'leases',
    role: ['no_store=false', 'generate_lease=true'],
    check: 'role-leases',
    verdict: 'warn',
    cause: /revokes it when that token ends/,
  },
  {
    name: 'copies',
    role: ['no_store=false'],
    check: 'role-storage',
    verdict: 'warn',
    cause: /fills its storage/,
  },
];

async function examine(keyType?: string) {
  return runDoctor({ directory, mesh: mesh.render(), agentLines: keyType === undefined ? '' : `keyType: ${keyType}` });
}

/** As setup made it. */
async function restore(): Promise<void> {
  await vault.api('POST', rolePath, body.data);
}

t.test('without a fault there is nothing to complain of', async (t) => {
  const { code, complaints, findings } = await examine();
  t.equal(code, 0);
  t.same(complaints, []);
  t.match(findings.at(-1), {
    check: 'trial',
    verdict: 'pass',
    cause: /spiffe:\/\/default\/web, serial \w+, for 23h59m/,
  });
});

for (const fault of FAULTS) {
  t.test(fault.name, async (t) => {
    if (fault.role.length > 0) await vault.cli(['patch', rolePath, ...fault.role]);
    t.teardown(restore);
    const { code, finding, complaints } = await examine(fault.keyType);
    const found = finding(fault.check);
    t.match(found, { verdict: fault.verdict, cause: fault.cause });
    t.equal(code, complaints.some((one) => one.includes(': fail: ')) ? 1 : 0, 'the exit code tells failures apart');
    await mend(t, found.command, fault);
  });
}

/** The command that was told is run as it stands. */
async function mend(t: Test, command: string | undefined, { check, keyType }: Fault): Promise<void> {
  await vault.shell(command ?? 'echo there is no command; exit 1');
  const { finding } = await examine(keyType);
  t.match(finding(check), { verdict: 'pass' }, `mended by: ${command}`);
  t.match(finding('trial').verdict, /pass|warn/, 'and a certificate is had');
}
