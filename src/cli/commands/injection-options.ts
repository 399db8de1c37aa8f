import { type Command, Option } from 'commander';

/** The options that `inject` and `webhook` have in common. */
export function addInjectionOptions(command: Command): Command {
  return command
    .requiredOption('--image <image>', 'of the agent')
    .option('--envoy-image <image>', 'for pods that ask for an Envoy')
    .addOption(new Option('--image-pull-policy <policy>').choices(['Always', 'IfNotPresent', 'Never']))
    .option(
      '--config-map <name>',
      "ConfigMap in the namespace of each pod: mesh.yaml and the files that it names; default: the Mesh goes into the pod's annotations",
    );
}
