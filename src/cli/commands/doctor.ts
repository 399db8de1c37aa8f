import { Option } from 'commander';
import { type DoctorOptions, doctor } from '../doctor.ts';
import { RUN_DEFAULTS } from '../run.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

type Options = ConfigOptions & Pick<DoctorOptions, 'output' | 'secretsDir' | 'trial'>;

export const addDoctor: AddCommand = (program, { edge, ended }) => {
  addCommand(program, {
    name: 'doctor',
    description: 'try each step against the real CA, and say what mends those that fail',
    examples: `Examples:
  $ meshcert doctor -c mesh.yaml -c agent.yaml
  $ VAULT_TOKEN=... meshcert doctor -c agent.yaml   reads with it what the agent itself may not
  $ meshcert doctor -c agent.yaml -o json`,
  })
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .option('--secrets-dir <path>', 'where "secret: NAME" is the file NAME', RUN_DEFAULTS.secretsDir)
    .option('--no-trial', 'issue no trial certificate')
    .action(async ({ config, ...options }: Options) => {
      ended(await doctor({ ...options, files: config }, edge));
    });
};
