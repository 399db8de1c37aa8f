import { RUN_DEFAULTS } from '../run.ts';
import { type SetupOptions, setupVault } from '../setup.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';
import { addSetupAcmPca } from './setup-acmpca.ts';
import { addSetupCertManager } from './setup-certmanager.ts';
import { addSetupInspect } from './setup-inspect.ts';

type Options = ConfigOptions & Omit<SetupOptions, 'files'>;

export const addSetup: AddCommand = (program, { edge, ended }) => {
  const setup = program
    .command('setup')
    .description('print, or do, what the CA side needs')
    .addHelpText(
      'after',
      `
Examples:
  $ meshcert setup vault -c mesh.yaml -c agent.yaml
  $ meshcert setup vault --help`,
    );
  addSetupAcmPca(setup, { edge, ended });
  addSetupCertManager(setup, { edge, ended });
  addSetupInspect(setup, { edge, ended });
  addCommand(setup, {
    name: 'vault',
    description: 'print what Vault needs as a script of vault commands, or do it',
    examples: `Examples:
  $ meshcert setup vault -c mesh.yaml -c agent.yaml            to read, to run, to keep
  $ VAULT_TOKEN=... meshcert setup vault -c agent.yaml --apply
  $ meshcert setup vault -c agent.yaml --root-mount pki        the CA is an intermediate of the CA in "pki"
  $ meshcert setup vault -c agent.yaml --service-account shop/web \\
      --kubernetes-host https://10.0.0.1:6443 --kubernetes-ca ca.crt --reviewer-token token`,
  })
    .option('--apply', 'do it over the API; what is there and differs stays')
    .option('--force', 'change what is there and differs')
    .option('--address <url>', "of Vault, for the administrator; default: VAULT_ADDR, else the Mesh's")
    .option('--intermediate', 'the CA is an intermediate that is signed elsewhere')
    .option('--root-mount <path>', 'the CA is an intermediate, signed by the CA of this PKI engine')
    .option('--only-this-service', 'the role allows the SPIFFE ID of this agent alone')
    .option('--grant-issue', 'the policy grants issue too, with which Vault makes the private key')
    .option('--service-account <namespace/name>', 'who logs in; default: the one in the token that the Mesh names')
    .option('--kubernetes-host <url>', "the cluster's API as Vault reaches it; default: Vault runs in the cluster")
    .option('--kubernetes-ca <file>', 'CA of that API')
    .option('--reviewer-token <file>', 'token that Vault asks that API with')
    .option('--secrets-dir <path>', 'where "secret: NAME" is the file NAME', RUN_DEFAULTS.secretsDir)
    .action(async ({ config, ...options }: Options) => {
      ended(await setupVault({ ...options, files: config }, edge));
    });
};
