import { Option } from 'commander';
import { type InspectOptions, inspect } from '../inspect.ts';
import { type AddCommand, type AdminOptions, addAdminCommand } from './command.ts';

export const addInspect: AddCommand = (program, { edge, ended }) => {
  addAdminCommand(program, {
    name: 'inspect',
    description: 'rotation statistics of the running agent',
    examples: `Examples:
  $ meshcert inspect
  $ meshcert inspect --socket /var/run/meshcert/admin.sock -o json`,
  })
    .addOption(new Option('-o, --output <format>').choices(['table', 'json', 'yaml']).default('table'))
    .action(async ({ config, ...options }: AdminOptions & Pick<InspectOptions, 'output'>) => {
      ended(await inspect({ files: config, ...options }, edge));
    });
};
