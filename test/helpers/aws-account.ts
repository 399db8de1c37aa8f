import type { Test } from 'tap';
import { runAwsScript } from './aws-cli.ts';
import type { PrivateCaService } from './private-ca.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { uniqueName } from './unique-name.ts';

/** What AWS's programs and SDKs read to be somebody. */
export type AwsEnvironment = Readonly<Record<string, string>>;

/** The account of the stand-in, with what moto has of IAM: it judges signatures and actions, neither resources nor conditions. */
export interface AwsAccount {
  /** `aws` commands, as a user who may do everything. @returns their stdout. */
  cli(script: string): Promise<string>;
  /** A user who may do these actions alone. */
  createUser(actions: readonly string[]): Promise<AwsEnvironment>;
  /** A user who has this policy alone. */
  createUserWith(policyArn: string): Promise<AwsEnvironment>;
  /** While this is done, nobody else may do anything. */
  judged<T>(work: () => Promise<T>): Promise<T>;
}

export function openAwsAccount(t: Pick<Test, 'teardown'>, { url }: PrivateCaService): AwsAccount {
  const directory = temporaryDirectory(t);
  const cli = (script: string) => runAwsScript(script, { directory, url });

  async function createUserBy(give: (user: string) => string): Promise<AwsEnvironment> {
    const user = uniqueName('user');
    const made = await cli(`export AWS_DEFAULT_REGION=us-east-1
aws iam create-user --user-name ${user} > user.json
${give(`--user-name ${user}`)}
aws iam create-access-key --user-name ${user} --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text`);
    const [id = '', secret = ''] = made.trim().split(/\s+/);
    return { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  }

  const judge = (fromCall: '0' | 'inf') => fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: fromCall });

  return {
    cli,
    createUser(actions) {
      const statement = { Effect: 'Allow', Action: actions, Resource: '*' };
      const document = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
      return createUserBy(
        (user) => `aws iam put-user-policy ${user} --policy-name may --policy-document '${document}'`,
      );
    },
    createUserWith: (arn) => createUserBy((user) => `aws iam attach-user-policy ${user} --policy-arn ${arn}`),
    async judged(work) {
      await judge('0');
      try {
        return await work();
      } finally {
        await judge('inf');
      }
    },
  };
}
