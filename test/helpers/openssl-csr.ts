import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainEnvironment } from './process.ts';
import { runCommand } from './run-command.ts';

export interface CsrOptions {
  /** As openssl writes it: `URI:spiffe://default/web,DNS:web`. Undefined: none. */
  readonly names?: string;
  /** Default: empty. */
  readonly subject?: string;
  /** Further extensions, as openssl's configuration has them. */
  readonly extensions?: readonly string[];
  /** Default: EC on P-256. */
  readonly newKey?: readonly string[];
  /** Default `sha256`. */
  readonly digest?: string;
}

/** A request as strangers make it, PEM. Its key is thrown away. */
export async function makeOpensslCsr(options: CsrOptions): Promise<string> {
  const { names, subject, extensions = [], digest = 'sha256' } = options;
  const { newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] } = options;
  const directory = await mkdtemp(join(tmpdir(), 'meshcert-csr-'));
  try {
    const file = (name: string) => join(directory, name);
    const all = [...(names === undefined ? [] : [`subjectAltName = ${names}`]), ...extensions];
    const lines = [
      '[req]',
      'prompt = no',
      'distinguished_name = dn',
      '[dn]',
      ...(subject === undefined ? [] : [subject]),
    ];
    await writeFile(file('conf'), `${lines.join('\n')}\n`);
    await runCommand(
      'openssl',
      [
        ...['req', '-new', '-nodes', '-config', file('conf'), `-${digest}`, ...newKey],
        ...(subject === undefined ? ['-subj', '/'] : []),
        ...all.flatMap((one) => ['-addext', one]),
        ...['-keyout', file('key'), '-out', file('csr')],
      ],
      { env: plainEnvironment(directory) },
    );
    return await readFile(file('csr'), 'utf8');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
