import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { peerProgram } from './peers.ts';
import { runCommand } from './run-command.ts';

/** Runs a shell script as an administrator of AWS would, with AWS's own command line on the PATH. @returns its stdout. */
export async function runAwsScript(script: string, options: { directory: string; url: string }): Promise<string> {
  const { directory, url } = options;
  const bin = join(directory, 'bin');
  mkdirSync(bin, { recursive: true });
  const python = peerProgram('acmpca');
  // The script of the package names the folder that it was installed in, which has been renamed since.
  writeFileSync(join(bin, 'aws'), `#!/bin/sh\nexec ${python} ${join(dirname(python), 'bin', 'aws')} "$@"\n`);
  chmodSync(join(bin, 'aws'), 0o755);
  const file = join(directory, 'setup.sh');
  writeFileSync(file, script);
  return runCommand('sh', [file], {
    cwd: directory,
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: directory,
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: 'AKIAADMIN',
      AWS_SECRET_ACCESS_KEY: 'x',
      PYTHONPYCACHEPREFIX: join(dirname(python), 'compiled'),
    },
  });
}
