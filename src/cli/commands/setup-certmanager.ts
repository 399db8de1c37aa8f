import { type SetupCertManagerOptions, setupCertManager } from '../setup-certmanager.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

type Options = ConfigOptions & Omit<SetupCertManagerOptions, 'files'>;

export const addSetupCertManager: AddCommand = (setup, { edge, ended }) => {
  addCommand(setup, {
    name: 'certmanager',
    description: 'print what a cluster with cert-manager needs as YAML, or apply it',
    examples: `Examples:
  $ meshcert setup certmanager -c mesh.yaml --service-account shop/web | kubectl apply -f -
  $ meshcert setup certmanager -c mesh.yaml --service-account shop/web --apply
  $ meshcert setup certmanager -c mesh.yaml --service-account shop/web --issuer     for a new mesh: also its CA`,
  })
    .requiredOption('--service-account <namespace/name>', "the agent's")
    .option('--issuer', 'also make a CA, kept by cert-manager, and the issuer that signs with it')
    .option('--apply', 'do it over the API; a second run changes nothing')
    .option('--force', 'with --apply: change what somebody else has set to something else')
    .option('--kubeconfig <file>', "the administrator's; default: KUBECONFIG, else ~/.kube/config")
    .option('--cert-manager-namespace <name>', 'where cert-manager keeps the keys of ClusterIssuers', 'cert-manager')
    .action(async ({ config, ...options }: Options) => {
      ended(await setupCertManager({ ...options, files: config }, edge));
    });
};
