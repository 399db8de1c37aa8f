import { validate } from '../validate.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

export const addValidate: AddCommand = (program, { edge, ended }) => {
  addCommand(program, {
    name: 'validate',
    description: 'check configuration without touching the network',
    examples: `Examples:
  $ meshcert validate -c mesh.yaml -c agent.yaml
  $ MESHCERT_CONFIG="$(cat mesh.yaml)" meshcert validate`,
  }).action(async ({ config }: ConfigOptions) => {
    ended(await validate(config, edge));
  });
};
