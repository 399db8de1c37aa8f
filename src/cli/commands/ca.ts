import { type Command, Option } from 'commander';
import { parseDurationMs } from '../../config/duration.ts';
import { type CaCheckOptions, checkCaFiles } from '../ca-check.ts';
import { CA_INIT_KEY_TYPES, type CaInitOptions, initCa } from '../ca-init.ts';
import type { AddCommand } from './command.ts';
import { parser } from './parser.ts';

/** `ca init` and `ca check`. */
export const addCa: AddCommand = (program, context) => {
  const ca = describe(program.command('ca'), {
    description: 'make a CA, or check one against the rules for a mesh',
    examples: `Examples:
  $ meshcert ca init --mesh default --backend ca-1
  $ meshcert ca check default.ca-1.crt default.ca-1.key`,
  });
  addInit(ca, context);
  addCheck(ca, context);
};

const addInit: AddCommand = (ca, { edge, ended }) => {
  describe(ca.command('init'), {
    description: 'make a root, or an intermediate CA under a root that you have',
    examples: `Examples:
  $ meshcert ca init --mesh default --backend ca-1
  $ meshcert ca init --key-type ed25519 --expiration 5y --directory /etc/meshcert
  $ meshcert ca init --backend ca-2 --expiration 1y --root-cert root.crt --root-key root.key`,
  })
    .option('--mesh <name>', 'the mesh that it is for', 'default')
    .option('--backend <name>', 'names the two files, MESH.BACKEND.crt and MESH.BACKEND.key', 'ca-1')
    .option('--trust-domain <name>', "default: the mesh's name")
    .option('--directory <path>', 'where the files go; made if need be', '.')
    .addOption(new Option('--key-type <type>').choices(CA_INIT_KEY_TYPES).default('ec-p256'))
    .addOption(
      new Option('--expiration <duration>', 'its life').argParser(parser(parseDurationMs)).default(TEN_YEARS_MS, '10y'),
    )
    .option('--root-cert <file>', 'makes an intermediate that this CA issues; PEM, with its chain if it has one')
    .option('--root-key <file>', 'the key of that CA')
    .action(async (options: CaInitOptions) => {
      ended(await initCa(options, edge));
    });
};

const addCheck: AddCommand = (ca, { edge, ended }) => {
  describe(ca.command('check'), {
    description: 'check a CA against the rules for a mesh; exit code 1 when it cannot be used',
    examples: `CERT is PEM: the closest CA first, each followed by the one that issued it. It may hold the key, too.

Examples:
  $ meshcert ca check ca.crt
  $ meshcert ca check ca.crt ca.key -o json`,
  })
    .argument('<cert>', 'file of the certificate and its chain')
    .argument('[key]', 'file of the private key')
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .action(async (certificate: string, key: string | undefined, { output }: Pick<CaCheckOptions, 'output'>) => {
      ended(await checkCaFiles({ certificate, key, output }, edge));
    });
};

const TEN_YEARS_MS = parseDurationMs('10y');

function describe(command: Command, { description, examples }: { description: string; examples: string }): Command {
  return command.description(description).addHelpText('after', `\n${examples}`);
}
