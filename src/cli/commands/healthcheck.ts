import { healthcheck } from '../healthcheck.ts';
import { type AddCommand, type AdminOptions, addAdminCommand } from './command.ts';

export const addHealthcheck: AddCommand = (program, { edge, ended }) => {
  addAdminCommand(program, {
    name: 'healthcheck',
    description: 'exit 0 when the agent is ready',
    examples: `Example:
  $ meshcert healthcheck && echo ready`,
  }).action(async ({ config, ...options }: AdminOptions) => {
    ended(await healthcheck({ files: config, ...options }, edge));
  });
};
