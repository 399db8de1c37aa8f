import { InvalidArgumentError, Option } from 'commander';
import { RUN_DEFAULTS } from '../run.ts';
import { runSigner, SIGNER_DEFAULTS, type SignerOptions } from '../signer.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

type Options = ConfigOptions & Omit<SignerOptions, 'files' | 'allowedNamespaces'> & { allowNamespace: string[] };

export const addSigner: AddCommand = (program, { edge, ended }) => {
  addCommand(program, {
    name: 'signer',
    description: 'be the CA of a mesh for the agents of a Kubernetes cluster, which then hold no key of it',
    examples: `It answers CertificateSigningRequests of the signer meshcert.io/MESH, for the CAs of type builtin and provided.

Examples:
  $ meshcert signer -c mesh.yaml                          spiffe://MESH/ns/NAMESPACE/sa/SERVICEACCOUNT
  $ meshcert signer -c mesh.yaml --trust-domain example.org
  $ meshcert signer -c mesh.yaml --allow-namespace shop --spiffe-id '/{service}'`,
  })
    .option('--trust-domain <name>', "default: the mesh's name")
    .option('--spiffe-id <template>', 'path of the identities that it gives', SIGNER_DEFAULTS.spiffeId)
    .option('--allow-namespace <name>', 'serve these alone; may be given several times', collect, [] as string[])
    .option('--namespace <name>', 'where its Lease, Secrets and ConfigMap are; default: the one that it runs in')
    .addOption(
      new Option('--telemetry <host:port>', 'of /metrics, /healthz and /readyz')
        .argParser(readAddress)
        .default(SIGNER_DEFAULTS.telemetry, '0.0.0.0:9902'),
    )
    .option('--secrets-dir <path>', 'where "secret: NAME" is the file NAME', RUN_DEFAULTS.secretsDir)
    .addOption(
      new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default(RUN_DEFAULTS.logLevel),
    )
    .addOption(new Option('--log-format <format>', 'default: text on a terminal, else json').choices(['text', 'json']))
    .action(async ({ config, allowNamespace, ...options }: Options) => {
      ended(await runSigner({ ...options, files: config, allowedNamespaces: allowNamespace }, edge));
    });
};

function collect(value: string, previous: string[]): string[] {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value)) throw new InvalidArgumentError('that is no name of a namespace');
  return [...previous, value];
}

function readAddress(text: string): SignerOptions['telemetry'] {
  const [, host = '', port = ''] = /^(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  throw new InvalidArgumentError('write it like 0.0.0.0:9902');
}
