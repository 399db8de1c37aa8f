import { Option } from 'commander';
import { type SetupAcmPcaOptions, setupAcmPca } from '../setup-acmpca.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

type Options = ConfigOptions & Omit<SetupAcmPcaOptions, 'files'>;

export const addSetupAcmPca: AddCommand = (setup, { edge, ended }) => {
  addCommand(setup, {
    name: 'acmpca',
    description: 'print what AWS Private CA needs as a script of aws commands, or do it',
    examples: `Examples:
  $ meshcert setup acmpca -c mesh.yaml --role web          the policy, for the IAM role "web"
  $ meshcert setup acmpca -c mesh.yaml --new-ca            also a CA; conf.arn then says in which region
  $ meshcert setup acmpca -c mesh.yaml --policy-only       JSON, for whatever manages IAM
  $ AWS_PROFILE=admin meshcert setup acmpca -c mesh.yaml --role web --apply
A CA, which AWS charges for by the month, is made with --new-ca only.`,
  })
    .option('--apply', 'do it over the API; what is there and differs stays')
    .option('--force', 'with --apply: change a policy that is there and differs')
    .option('--role <name>', 'IAM role of the agents, to attach the policy to')
    .option('--new-ca', 'also make a root CA, where there is none')
    .addOption(new Option('--policy-only', 'print the IAM policy alone').conflicts('apply'))
    .action(async ({ config, ...options }: Options) => {
      ended(await setupAcmPca({ ...options, files: config }, edge));
    });
};
