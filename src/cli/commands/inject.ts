import { Option } from 'commander';
import type { InjectOptions } from '../inject.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';
import { addInjectionOptions } from './injection-options.ts';

type Options = ConfigOptions & Omit<InjectOptions, 'files' | 'manifests'> & { filename: string[] };

export const addInject: AddCommand = (program, { edge, ended }) => {
  const command = addCommand(program, {
    name: 'inject',
    description: 'print manifests with an agent in every pod',
    examples: `Pods, Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs, CronJobs and Lists are injected, unless they have the label
meshcert.io/inject: disabled; other kinds pass as they are. -c names the Mesh, and an Agent document with what all pods share.

Examples:
  $ meshcert inject -c mesh.yaml --image registry.example/meshcert:1.0 -f web.yaml | kubectl apply -f -
  $ kustomize build . | meshcert inject -c mesh.yaml --image registry.example/meshcert:1.0 -f -`,
  })
    .requiredOption('-f, --filename <file>', 'manifests, - for the standard input; may be given several times', collect)
    .option('-n, --namespace <name>', 'of manifests that name none', 'default')
    .addOption(
      new Option('--sidecar <kind>', 'native needs Kubernetes 1.29').choices(['native', 'container']).default('native'),
    );
  addInjectionOptions(command).action(async ({ config, filename, ...options }: Options) => {
    const { inject } = await import('../inject.ts');
    ended(await inject({ files: config, manifests: filename, ...options }, edge));
  });
};

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
