import { Option } from 'commander';
import { parseDurationMs } from '../../config/duration.ts';
import { inspect } from '../inspect.ts';
import type { FleetOptions } from '../inspect-fleet.ts';
import { type AddCommand, type AdminOptions, addAdminCommand } from './command.ts';
import { parser } from './parser.ts';

type Options = AdminOptions & FleetOptions & { readonly kubernetes?: true };

export const addInspect: AddCommand = (program, { edge, ended }) => {
  const ofFleet = (flags: string, description: string) => new Option(flags, description).implies({ kubernetes: true });
  addAdminCommand(program, {
    name: 'inspect',
    description: 'rotation statistics of the running agent, or of all agents of a cluster',
    examples: `A cluster is asked by the kubeconfig that kubectl takes; what that needs to be allowed: meshcert setup inspect.
What is at risk stands first: EXPIRED, NOT-READY, UNKNOWN (it could not be asked), FAILING, then OK.

Examples:
  $ meshcert inspect
  $ meshcert inspect --socket /var/run/meshcert/admin.sock -o json
  $ meshcert inspect --kubernetes                      every injected pod of every namespace
  $ meshcert inspect -n shop -l app=web                those of one namespace and one application
  $ meshcert inspect --kubernetes --check > /dev/null || echo look`,
  })
    .addOption(new Option('-o, --output <format>').choices(['table', 'json', 'yaml']).default('table'))
    .option('--check', 'exit code 1 unless all is ok')
    .addOption(new Option('--kubernetes', 'all agents in the pods of a cluster').conflicts(['socket', 'config']))
    .addOption(ofFleet('-n, --namespace <name>', 'of pods; default: all'))
    .addOption(ofFleet('-l, --selector <labels>', 'of pods; default: those that were injected'))
    .addOption(ofFleet('--kubeconfig <file>', 'default: KUBECONFIG, else ~/.kube/config'))
    .addOption(
      ofFleet('--timeout <duration>', 'for the answer of each agent')
        .argParser(parser(parseDurationMs))
        .default(5_000, '5s'),
    )
    .action(async ({ config, kubernetes, ...options }: Options) => {
      if (!kubernetes) return ended(await inspect({ files: config, ...options }, edge));
      const { inspectFleet } = await import('../inspect-fleet.ts');
      ended(await inspectFleet(options, edge));
    });
};
