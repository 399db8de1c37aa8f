import { readFileSync } from 'node:fs';
import t from 'tap';
import { openAwsAccount } from '../helpers/aws-account.ts';
import { runDoctor } from '../helpers/doctor.ts';
import { useEnvironment } from '../helpers/environment.ts';
import { renderAcmPcaMesh } from '../helpers/kong-mesh.ts';
import { startPrivateCaService } from '../helpers/private-ca.ts';
import { applyAwsSetup } from '../helpers/setup-acmpca.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const service = await startPrivateCaService(t);
const account = openAwsAccount(t, service);
const NO_CA = 'arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/00000000-0000-0000-0000-000000000000';
const PAGE = readFileSync(new URL('../../docs/acmpca.md', import.meta.url), 'utf8');
const EVERYTHING = { AWS_ENDPOINT_URL: service.url, AWS_ACCESS_KEY_ID: 'AKIAADMIN', AWS_SECRET_ACCESS_KEY: 'x' };

/** What the page says that it takes to do this. */
function readRights(to: string): string[] {
  const [, row = ''] = new RegExp(`^\\| ${to} \\| (.*) \\|$`, 'm').exec(PAGE) ?? [];
  return Array.from(row.matchAll(/`([^`]+)`/g), ([, right = '']) => right);
}

const nameArn = (mesh: string) => `arn:aws:iam::123456789012:policy/meshcert-${mesh}`;

async function createRole(): Promise<string> {
  const role = uniqueName('role');
  await account.cli(
    `aws iam create-role --region us-east-1 --role-name ${role} --assume-role-policy-document '{}' > role.json`,
  );
  return role;
}

/** Of a policy, as AWS's own program shows it. */
async function readDefault(mesh: string): Promise<{ version: string; document: unknown }> {
  const shown = await account.cli(`export AWS_DEFAULT_REGION=us-east-1
version=$(aws iam get-policy --policy-arn ${nameArn(mesh)} --query Policy.DefaultVersionId --output text)
aws iam get-policy-version --policy-arn ${nameArn(mesh)} --version-id $version --query PolicyVersion`);
  const { VersionId: version, Document: document } = JSON.parse(shown) as { VersionId: string; Document: unknown };
  return { version, document };
}

async function listVersions(mesh: string): Promise<string[]> {
  const shown = await account.cli(
    `aws iam list-policy-versions --region us-east-1 --policy-arn ${nameArn(mesh)} --query 'Versions[].VersionId' --output text`,
  );
  return shown.trim().split(/\s+/).sort();
}

async function listCas(mesh: string): Promise<{ Arn: string; Status: string }[]> {
  const query = `CertificateAuthorities[?CertificateAuthorityConfiguration.Subject.CommonName=='Mesh ${mesh}']`;
  return JSON.parse(
    await account.cli(
      `aws acm-pca list-certificate-authorities --region eu-central-1 --query "${query}" --output json`,
    ),
  );
}

t.test(
  'the policy is made and given to the role, it is enough for an agent, and a second run changes nothing',
  async (t) => {
    const mesh = uniqueName('mesh');
    const { arn } = await service.createCa();
    const role = await createRole();
    const makes = await account.createUser([...readRights('look'), ...readRights('make and attach the policy')]);
    const args = ['--role', role];
    const first = await account.judged(() => applyAwsSetup(t, { arn, mesh, args, as: makes }));
    t.match(first, { code: 0, error: '' });
    t.same(first.out.split('\n'), [
      `as it was  CA ${arn}`,
      `made       IAM policy meshcert-${mesh}`,
      `made       IAM policy meshcert-${mesh} for the IAM role ${role}`,
      '',
    ]);
    const attached = await account.cli(
      `aws iam list-attached-role-policies --region us-east-1 --role-name ${role} --query 'AttachedPolicies[].PolicyArn' --output text`,
    );
    t.equal(attached.trim(), nameArn(mesh));
    const made = await readDefault(mesh);
    t.match(made.document, { Statement: [{ Resource: arn }, { Resource: arn }] });

    const looks = await account.createUser(readRights('look'));
    const second = await account.judged(() => applyAwsSetup(t, { arn, mesh, args, as: looks }));
    t.equal(second.code, 0, 'who may only look can run it again');
    t.equal(second.out.match(/^as it was /gm)?.length, 3, second.out);
    t.same(await readDefault(mesh), made);

    const agent = await account.createUserWith(nameArn(mesh));
    useEnvironment(t, 'AWS_', agent);
    const document = renderAcmPcaMesh(arn, { mesh });
    const { complaints } = await account.judged(() =>
      runDoctor({ directory: temporaryDirectory(t), mesh: document, meshName: mesh }),
    );
    t.same(complaints, [], 'with that policy alone an agent gets its certificate');
  },
);

t.test('without a role, what is left to do is said', async (t) => {
  const mesh = uniqueName('mesh');
  const { arn } = await service.createCa();
  const { code, out } = await applyAwsSetup(t, { arn, mesh, as: EVERYTHING });
  t.equal(code, 0);
  t.match(out, `run this with --role NAME, or attach ${nameArn(mesh)}`);
});

t.test('a policy that differs stays until it is forced, and IAM gets room for it', async (t) => {
  const mesh = uniqueName('mesh');
  const { arn } = await service.createCa();
  const changes = await account.createUser([...readRights('look'), ...readRights('change it')]);
  const run = (...args: readonly string[]) => account.judged(() => applyAwsSetup(t, { arn, mesh, args, as: changes }));
  await applyAwsSetup(t, { arn, mesh, as: EVERYTHING });
  const other = JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Action: 'acm-pca:*', Resource: arn },
  });
  const create = `aws iam create-policy-version --region us-east-1 --policy-arn ${nameArn(mesh)} --policy-document '${other}'`;
  await account.cli(Array(4).fill(`${create} > version.json`).join('\n'));
  await account.cli(
    `aws iam set-default-policy-version --region us-east-1 --policy-arn ${nameArn(mesh)} --version-id v3`,
  );
  t.same(await listVersions(mesh), ['v1', 'v2', 'v3', 'v4', 'v5']);

  const left = await run();
  t.equal(left.code, 1, 'a caller learns of it');
  t.match(left.out, /^DIFFERS +IAM policy/m);
  t.match(left.out, /^ +it lacks .*"acm-pca:IssueCertificate"/m);
  t.match(left.out, /^ +it also says .*"acm-pca:\*"/m);
  t.match(left.out, 'left as it is; a policy is changed with --force');
  t.equal((await readDefault(mesh)).version, 'v3');

  const forced = await run('--force');
  t.match(forced, { code: 0, out: /^changed +IAM policy/m });
  t.same(await listVersions(mesh), ['v2', 'v3', 'v4', 'v5', 'v6'], 'the oldest is gone');
  t.equal((await readDefault(mesh)).version, 'v6');
  t.match((await run()).out, /^as it was +IAM policy/m);

  await account.cli(
    `aws iam set-default-policy-version --region us-east-1 --policy-arn ${nameArn(mesh)} --version-id v2`,
  );
  await run('--force');
  t.same(await listVersions(mesh), ['v2', 'v4', 'v5', 'v6', 'v7'], 'the one in force is not the one that goes');
});

t.test('a CA is made where one is asked for, and only once', async (t) => {
  const mesh = uniqueName('mesh');
  const makes = await account.createUser(['look', 'make and attach the policy', 'make a CA'].flatMap(readRights));
  const run = (arn: string, ...args: readonly string[]) =>
    account.judged(() => applyAwsSetup(t, { arn, mesh, args, as: makes }));
  const without = await run(NO_CA);
  t.match(without, {
    code: 1,
    out: /^WAITS +CA .*\n +there is no such CA in eu-central-1; set conf\.arn, or .*--new-ca/,
  });
  t.notMatch(without.out, 'policy', 'nothing is allowed on a CA that is not there');
  t.same(await listCas(mesh), []);

  const first = await run(NO_CA, '--new-ca');
  t.equal(first.code, 0, first.out + first.error);
  const [, arn = ''] = /^made +CA (\S+)\n +put this into the Mesh as conf\.arn: \1$/m.exec(first.out) ?? [];
  t.match(await listCas(mesh), [{ Arn: arn, Status: 'ACTIVE' }]);
  t.match((await readDefault(mesh)).document, { Statement: [{ Resource: arn }, { Resource: arn }] });

  const again = await run(NO_CA, '--new-ca');
  t.match(again, { code: 0, out: `as it was  CA ${arn}\n           put this into the Mesh` });
  t.match(await run(arn, '--new-ca'), { code: 0, out: `as it was  CA ${arn}\nas it was  IAM policy` });
  t.equal((await listCas(mesh)).length, 1, 'AWS charges for one');

  useEnvironment(t, 'AWS_', EVERYTHING);
  const document = renderAcmPcaMesh(arn, { mesh });
  const { complaints } = await runDoctor({ directory: temporaryDirectory(t), mesh: document, meshName: mesh });
  t.same(complaints, []);
});

t.test('a CA that was made by half is gone on with, and of two none is chosen', async (t) => {
  const mesh = uniqueName('mesh');
  const run = () => applyAwsSetup(t, { arn: NO_CA, mesh, args: ['--new-ca'], as: EVERYTHING });
  const create = `aws acm-pca create-certificate-authority --region eu-central-1 --certificate-authority-type ROOT \\
  --certificate-authority-configuration 'KeyAlgorithm=RSA_2048,SigningAlgorithm=SHA256WITHRSA,Subject={CommonName=Mesh ${mesh}}' \\
  --query CertificateAuthorityArn --output text`;
  const arn = (await account.cli(create)).trim();
  t.match(await run(), { code: 0, out: `made       CA ${arn}\n` });
  t.match(await listCas(mesh), [{ Arn: arn, Status: 'ACTIVE' }]);

  await account.cli(create);
  const two = await run();
  t.match(two, {
    code: 1,
    out: `WAITS      CA "Mesh ${mesh}" in eu-central-1\n           there are 2 of them, set conf.arn to one\n`,
  });
  t.match(two.out, arn);
  t.notMatch(two.out, 'policy', 'nothing is allowed on either');
});
