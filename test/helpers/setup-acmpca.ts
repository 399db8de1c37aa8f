import { join } from 'node:path';
import type { Test } from 'tap';
import { writeConfiguration } from './agent.ts';
import type { AwsEnvironment } from './aws-account.ts';
import { type Ran, runCommandLine } from './command-line.ts';
import { useEnvironment } from './environment.ts';
import { renderAcmPcaMesh } from './kong-mesh.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface SetUpAwsOptions {
  /** Of the CA. */
  readonly arn: string;
  /** Name of the mesh, after which policy and CA are called. */
  readonly mesh: string;
  /** Default 1h. */
  readonly expiration?: string;
  /** Further lines of the Mesh's `conf`, as YAML on one line. */
  readonly conf?: string;
  /** Further arguments of `setup acmpca`. */
  readonly args?: readonly string[];
  /** Whom to be. */
  readonly as: AwsEnvironment;
}

/** `meshcert setup acmpca --apply`. */
export async function applyAwsSetup(t: Pick<Test, 'teardown'>, options: SetUpAwsOptions): Promise<Ran> {
  const { arn, mesh, expiration = '1h', conf = '', args = [], as: environment } = options;
  const directory = temporaryDirectory(t);
  const { configFile } = writeConfiguration({
    directory: join(directory, 'conf'),
    mesh: renderAcmPcaMesh(arn, { mesh, expiration, conf }),
    meshName: mesh,
  });
  // The AWS SDK reads those of the process.
  useEnvironment(t, 'AWS_', environment);
  return runCommandLine(['setup', 'acmpca', '-c', configFile, '--apply', ...args], { directory, environment });
}
