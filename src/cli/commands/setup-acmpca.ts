import { type SetupAcmPcaOptions, setupAcmPca } from '../setup-acmpca.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

type Options = ConfigOptions & Omit<SetupAcmPcaOptions, 'files'>;

export const addSetupAcmPca: AddCommand = (setup, { edge, ended }) => {
  addCommand(setup, {
    name: 'acmpca',
    description: 'print what AWS Private CA needs as a script of aws commands',
    examples: `Examples:
  $ meshcert setup acmpca -c mesh.yaml --role web          the policy, for the IAM role "web"
  $ meshcert setup acmpca -c mesh.yaml --new-ca            also a CA; conf.arn then says in which region
  $ meshcert setup acmpca -c mesh.yaml --policy-only       JSON, for whatever manages IAM
It does nothing itself: rights and CAs, which AWS charges for, are yours to decide on.`,
  })
    .option('--role <name>', 'IAM role of the agents, to attach the policy to')
    .option('--new-ca', 'also make a root CA')
    .option('--policy-only', 'print the IAM policy alone')
    .action(async ({ config, ...options }: Options) => {
      ended(await setupAcmPca({ ...options, files: config }, edge));
    });
};
