import { type SetupInspectOptions, setupInspect } from '../setup-inspect.ts';
import type { AddCommand } from './command.ts';

export const addSetupInspect: AddCommand = (setup, { edge, ended }) => {
  const collect = (value: string, previous: readonly string[] = []) => [...previous, value];
  setup
    .command('inspect')
    .description('print the rights that inspect --kubernetes needs as YAML')
    .addHelpText(
      'after',
      `
Examples:
  $ meshcert setup inspect --group sre | kubectl apply -f -
  $ meshcert setup inspect -n shop --service-account monitoring/meshcert-check | kubectl apply -f -
  $ meshcert setup inspect                             the role alone, to be bound by you`,
    )
    .option('-n, --namespace <name>', 'for the pods of this one; default: all')
    .option('--user <name>', 'whom to bind it to; may be given several times', collect)
    .option('--group <name>', 'whom to bind it to; may be given several times', collect)
    .option('--service-account <namespace/name>', 'whom to bind it to; may be given several times', collect)
    .action((options: SetupInspectOptions) => {
      ended(setupInspect(options, edge));
    });
};
