import { join } from 'node:path';
import t from 'tap';
import type { AgentError } from '../../src/errors.ts';
import { countCertificates } from '../helpers/count-certificates.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { openVaultIssuer } from '../helpers/vault-issuer.ts';
import { startVaultRaft } from '../helpers/vault-raft.ts';
import { openVaultRelay } from '../helpers/vault-relay.ts';

const raft = await startVaultRaft(join(temporaryDirectory(t), 'raft'));
t.teardown(() => raft.stop());
const { mount } = await configureKongVaultPki((await raft.roles()).active, {
  mesh: 'default',
  role: { key_type: 'ec', key_bits: '256' },
});
const { certificate } = raft;
const caCert = { kind: 'file', path: certificate.caFile } as const;
const never = new AbortController().signal;

function open(address: string, rootToken: string, tls = {}) {
  const vaultIssuer = openVaultIssuer({ address, pki: mount, auth: rootToken, tls: { caCert, ...tls } });
  t.teardown(() => vaultIssuer.issuer.close());
  return vaultIssuer;
}

/** A standby that does not forward, as of clusters that are set up so: it sends clients to the active node. */
async function openSendingStandby(): Promise<string> {
  const { standby } = await raft.roles();
  const addHeaders = { 'x-vault-no-request-forwarding': 'true' };
  const relay = await openVaultRelay(standby.address, { certificate, addHeaders });
  t.teardown(() => relay.close());
  return relay.address;
}

t.test('a standby that forwards is as good as the active node', async (t) => {
  const { standby } = await raft.roles();
  const vaultIssuer = open(standby.address, standby.rootToken);
  const { identity } = await vaultIssuer.issue();
  await t.resolves(vaultIssuer.issuer.probe(never));
  t.same(await vaultIssuer.issuer.readRoots(never), identity.trustBundle);
});

t.test('a standby that sends us to the active node is followed, once and with TLS', async (t) => {
  const { active } = await raft.roles();
  const address = await openSendingStandby();
  const before = await countCertificates(active, mount);
  await t.resolves(open(address, active.rootToken).issue());
  t.equal(await countCertificates(active, mount), before + 1);
});

t.test('but not where nobody checks who is there', async (t) => {
  const { active } = await raft.roles();
  const address = await openSendingStandby();
  const before = await countCertificates(active, mount);
  t.match(await open(address, active.rootToken, { skipVerify: true }).fail(), {
    code: 'ERR_CA_UNAVAILABLE',
    retry: 'soon',
    message: `sends us to ${active.address},`,
    remedy: /conf.fromCp.address to the active node/,
  });
  t.equal(await countCertificates(active, mount), before);
});

t.test(
  'a step-down in the middle: what fails passes by itself, and the next issue succeeds on the new node',
  async (t) => {
    const { active } = await raft.roles();
    const vaultIssuer = open(active.address, active.rootToken);
    const before = await countCertificates(active, mount);
    let isOver = false;
    const stepDown = raft.stepDown().finally(() => {
      isOver = true;
    });
    let issued = 0;
    const failures: AgentError[] = [];
    while (!isOver) {
      await vaultIssuer.issue().then(
        () => {
          issued += 1;
        },
        (error: AgentError) => failures.push(error),
      );
    }
    await stepDown;
    const now = await raft.roles();
    t.equal(now.standby.address, active.address, 'the node that we ask is the standby now');
    await t.resolves(vaultIssuer.issue());
    issued += 1;

    t.comment(`${failures.length} attempts failed meanwhile`);
    for (const { code, retry, line } of failures) {
      t.ok(['ERR_CA_UNAVAILABLE', 'ERR_CA_UNREACHABLE'].includes(code) && retry === 'soon', line);
    }
    const stored = (await countCertificates(now.active, mount)) - before;
    t.ok(stored >= issued && stored <= issued + failures.length, `${issued} issued, ${stored} stored`);
  },
);
