import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainEnvironment } from './process.ts';
import { runCommand } from './run-command.ts';

/**
 * A root that openssl makes, for a year from now, as people make theirs.
 *
 * @param stringMask which types of ASN.1 strings the subject is written in; as in openssl's configuration.
 */
export async function makeOpensslCa(
  args: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  subject = '/CN=openssl',
  stringMask: 'utf8only' | 'pkix' | 'default' = 'utf8only',
): Promise<{ readonly certificatePem: string; readonly keyPem: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'meshcert-ca-'));
  try {
    const file = (name: string) => join(directory, name);
    await writeFile(file('conf'), `[req]\nstring_mask = ${stringMask}\ndistinguished_name = dn\n[dn]\n`);
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    await runCommand(
      'openssl',
      [
        ...['req', '-x509', '-utf8', '-nodes', '-days', '365', '-subj', subject, '-config', file('conf')],
        ...extensions.flatMap((extension) => ['-addext', extension]),
        ...['-keyout', file('key'), '-out', file('cert'), ...args],
      ],
      { env: plainEnvironment(directory) },
    );
    return { certificatePem: await readFile(file('cert'), 'utf8'), keyPem: await readFile(file('key'), 'utf8') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
