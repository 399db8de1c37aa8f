import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { startStandInSts } from '../helpers/stand-in-sts.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';
import { STS_CALLER } from '../helpers/vault-auth-methods.ts';

const { vault } = await sharedPeers(t);
const pki = await configureKongVaultPki(vault, { mesh: 'default', mount: uniqueName('pki') });
const sts = await startStandInSts(STS_CALLER, 'eu-central-1');
t.teardown(() => sts.close());
const mount = uniqueName('aws');
await vault.shell(`vault auth enable -path=${mount} aws
vault write auth/${mount}/config/client sts_endpoint=${sts.address} sts_region=eu-central-1
vault write auth/${mount}/role/web auth_type=iam resolve_aws_unique_ids=false \\
  bound_iam_principal_arn=arn:aws:iam::123456789012:role/web token_policies=${pki.policy}`);

const mesh = renderVaultMesh({
  address: vault.address,
  pki: pki.mount,
  // As the Universal sample of Kong Mesh nests it.
  auth: `{tls: {aws: {type: IAM, role: web, mountPath: ${mount}, region: eu-central-1}}}`,
});
const noAws = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/nowhere',
  AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
};

t.test('with credentials of the environment', async (t) => {
  const env = {
    ...noAws,
    AWS_ACCESS_KEY_ID: STS_CALLER.accessKeyId,
    AWS_SECRET_ACCESS_KEY: STS_CALLER.secretAccessKey,
    AWS_SESSION_TOKEN: STS_CALLER.sessionToken,
  };
  const agent = await startAgent({ directory: temporaryDirectory(t), mesh, env, options: ['--once'] });
  t.equal((await agent.exited).code, 0, agent.output());
  t.match(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'), '-----BEGIN CERTIFICATE-----');
  t.same([...new Set(sts.answers)], ['OK']);
  for (const secret of [STS_CALLER.secretAccessKey, STS_CALLER.sessionToken]) t.notMatch(agent.output(), secret);
});

t.test('with credentials of a profile', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'credentials');
  const { accessKeyId, secretAccessKey, sessionToken } = STS_CALLER;
  writeFileSync(
    file,
    `[mesh]
aws_access_key_id = ${accessKeyId}
aws_secret_access_key = ${secretAccessKey}
aws_session_token = ${sessionToken}
`,
  );
  const env = { ...noAws, AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'mesh' };
  const agent = await startAgent({ directory, mesh, env, options: ['--once'] });
  t.equal((await agent.exited).code, 0, agent.output());
});

t.test('without any, it says where they could be', async (t) => {
  const agent = await startAgent({ directory: temporaryDirectory(t), mesh, env: noAws, options: ['--once'] });
  t.equal((await agent.exited).code, 1);
  t.match(agent.output(), 'no AWS credentials to log in with were found');
  t.match(agent.output(), 'AWS_ACCESS_KEY_ID');
});
