import { rotate } from '../rotate.ts';
import { type AddCommand, type AdminOptions, addAdminCommand } from './command.ts';

export const addRotate: AddCommand = (program, { edge, ended }) => {
  addAdminCommand(program, {
    name: 'rotate',
    description: 'rotate now, and say when the new generation is delivered',
    examples: `Example:
  $ meshcert rotate -c agent.yaml`,
  }).action(async ({ config, ...options }: AdminOptions) => {
    ended(await rotate({ files: config, ...options }, edge));
  });
};
