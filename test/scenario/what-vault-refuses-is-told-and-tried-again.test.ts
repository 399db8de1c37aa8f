import { writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { type RunningAgent, startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectLinesOnly, expectNotReady, expectRecovery, type Trouble } from '../helpers/expect-not-ready.ts';
import { renderKubernetesAuth, renderVaultMesh, type VaultMeshOptions } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { createKubernetesRole } from '../helpers/kubernetes-auth.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { createWorkload } from '../helpers/vault-login.ts';

const peers = await sharedPeers(t);
const { vault, cluster } = peers;
const { mount, policy } = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });

/** An agent for which one thing is wrong. */
interface Case {
  readonly agent: RunningAgent;
  readonly trouble: Trouble;
  /** What a person does who has read the line. */
  readonly mend: () => Promise<unknown>;
}

/** A workload for which everything is right, to be spoilt in one way. */
async function prepare(policies = [policy]) {
  const directory = temporaryDirectory(t);
  const workload = await createWorkload(peers, { directory, policies, audiences: ['vault'], roleAudience: 'vault' });
  const { namespace, role, tokenPath } = workload;
  async function start({ authRole = role, ...mesh }: Partial<VaultMeshOptions> & { authRole?: string } = {}) {
    const auth = renderKubernetesAuth({ role: authRole, tokenPath, audience: 'vault' });
    const agent = await startAgent({
      directory,
      mesh: renderVaultMesh({ address: vault.address, pki: mount, auth, ...mesh }),
    });
    t.teardown(() => agent.stop());
    return agent;
  }
  const writeToken = async (serviceAccount = 'web') => {
    writeFileSync(tokenPath, await cluster.createToken(namespace, serviceAccount, { audiences: ['vault'] }));
  };
  return { ...workload, start, writeToken };
}

const cases: Readonly<Record<string, () => Promise<Case>>> = {
  'a role that is not there, then made': async () => {
    const { namespace, start } = await prepare();
    const role = uniqueName('late');
    return {
      agent: await start({ authRole: role }),
      trouble: {
        event: new RegExp(
          `^Vault at ${vault.address} refuses the login: there is no role "${role}" in auth/kubernetes$`,
        ),
        remedy: /^set auth.kubernetes.role to one of: vault list auth\/kubernetes\/role$/,
      },
      mend: () => {
        const rights = { policies: [policy], audience: 'vault' };
        return createKubernetesRole(vault, { role, namespace, serviceAccount: 'web', ...rights });
      },
    };
  },

  'the token of another service account, then let in': async () => {
    const { namespace, role, start, writeToken } = await prepare();
    await cluster.createServiceAccount(namespace, 'other');
    await writeToken('other');
    return {
      agent: await start(),
      trouble: {
        event: new RegExp(`refuses the login: the role "${role}" is not for the service account ${namespace}/other$`),
        remedy: new RegExp(`vault write auth/kubernetes/role/${role} bound_service_account_names=`),
      },
      mend: () => vault.cli(['write', `auth/kubernetes/role/${role}`, 'bound_service_account_names=web,other']),
    };
  },

  'an expired token, then renewed': async () => {
    const { jwt, tokenPath, start, writeToken } = await prepare();
    // The agent looks at the end before it sends the token, so that nobody has to sign this one.
    const [head, claims = '', signature] = jwt.split('.');
    const past = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), exp: Math.floor(Date.now() / 1000) - 5 };
    writeFileSync(tokenPath, [head, Buffer.from(JSON.stringify(past)).toString('base64url'), signature].join('.'));
    return {
      agent: await start(),
      trouble: {
        event: new RegExp(`^the service-account token in ${tokenPath} expired at 20.*Z; our clock shows 20.*Z$`),
        remedy: /^mount it as a projected volume, which the kubelet renews/,
      },
      mend: () => writeToken(),
    };
  },

  'the token of a service account that was deleted, then made anew': async () => {
    const { namespace, start, writeToken } = await prepare();
    await cluster.deleteServiceAccount(namespace, 'web');
    return {
      agent: await start(),
      trouble: {
        event: new RegExp(`refuses the login: auth/kubernetes does not believe the token of ${namespace}/web`),
        remedy: /^check that .* the service account does/,
      },
      mend: async () => {
        await cluster.createServiceAccount(namespace, 'web');
        await writeToken();
      },
    };
  },

  'a PKI role that is not there, then made': async () => {
    const signLate = uniqueName('sign-late');
    await vault.cli(['policy', 'write', signLate, '-'], {
      stdin: `path "${mount}/sign/late" { capabilities = ["create", "update"] }`,
    });
    const { start } = await prepare([signLate]);
    const role = ['allowed_uri_sans=spiffe://default/*', 'require_cn=false', 'key_type=any', 'max_ttl=24h'];
    return {
      agent: await start({ role: 'late' }),
      trouble: {
        event: new RegExp(`does not sign: there is no role "late" in ${mount}$`),
        remedy: new RegExp(`^set conf.fromCp.role to one of: vault list ${mount}/roles$`),
      },
      mend: () => vault.cli(['write', `${mount}/roles/late`, ...role]),
    };
  },

  'a policy without the right to sign, then granted by the line that the agent gives': async () => {
    const empty = uniqueName('empty');
    await vault.cli(['policy', 'write', empty, '-'], { stdin: 'path "nothing/*" { capabilities = ["read"] }' });
    const { start } = await prepare([empty]);
    const agent = await start();
    return {
      agent,
      trouble: {
        event: new RegExp(`may use neither ${mount}/sign/dataplanes nor ${mount}/issue/dataplanes$`),
        remedy: /^add to its policy: path /,
      },
      mend: () => {
        const [said] = agent.log().filter(({ level }) => level === 'error');
        const stdin = String(said?.remedy).replace('add to its policy: ', '');
        return vault.cli(['policy', 'write', empty, '-'], { stdin });
      },
    };
  },
};

t.test('what Vault refuses is told in a line, and what was mended is noticed', async (t) => {
  const opened = await Promise.all(Object.entries(cases).map(async ([what, open]) => ({ what, ...(await open()) })));
  for (const { what, agent, trouble, mend } of opened) {
    await t.test(what, async (t) => {
      await expectNotReady(t, agent, trouble);
      await mend();
    });
  }
  for (const { what, agent } of opened) {
    await t.test(`${what}: it becomes ready by itself`, (t) => expectRecovery(t, agent));
  }
});

t.test(
  'a max_ttl below the wanted life: served, told once, and mended by the command that is given',
  async (t: Test) => {
    const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });
    await vault.cli(['patch', `${pki.mount}/roles/dataplanes`, 'max_ttl=1h', 'ttl=1h']);
    const { start } = await prepare([pki.policy]);
    const agent = await start({ pki: pki.mount, expiration: '1d' });
    await agent.waitReady();
    await agent.rotate();
    const short = agent.log().filter(({ event }) => event === 'certificate is shorter-lived than asked');
    const remedy = /^lower dpCert.rotation.expiration/;
    t.match(short, [{ level: 'warn', askedSeconds: 86_400, gotSeconds: 3600, remedy }]);
    t.equal(short.length, 1, 'once, not with each certificate');
    expectLinesOnly(t, agent);

    const command = /: (vault patch .*)$/.exec(String(short[0]?.remedy))?.[1];
    await vault.shell(command ?? 'false');
    agent.hup();
    const readLife = async () => {
      const { certificate } = await agent.status();
      return (Date.parse(certificate?.notAfter ?? '') - Date.parse(certificate?.issuedAt ?? '')) / 1000;
    };
    await eventually('it lives for a day', async () => (await readLife()) > 86_000);
  },
);
