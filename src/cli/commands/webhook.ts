import { isIP } from 'node:net';
import { Option } from 'commander';
import { parseDurationMs } from '../../config/duration.ts';
import { readListenAddress } from '../../envoy/read-target.ts';
import { AgentError } from '../../errors.ts';
import { RUN_DEFAULTS } from '../run.ts';
import type { ServeOptions } from '../webhook.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';
import { addInjectionOptions } from './injection-options.ts';
import { parser } from './parser.ts';

type Options = ConfigOptions &
  Omit<ServeOptions, 'files' | 'ttlMs' | 'drainMs' | 'host'> & { expiration: number; drain: number; host?: string[] };

export const addWebhook: AddCommand = (program, { edge, ended }) => {
  const command = addCommand(program, {
    name: 'webhook',
    description: 'serve the admission webhook that puts an agent into pods',
    examples: `Needs a MutatingWebhookConfiguration that leads to it, whose caBundle it keeps, and a service account that may read and change that,
a Secret, and read namespaces: see docs/kubernetes.md. The certificate that it serves is its own.

Example:
  $ meshcert webhook -c mesh.yaml --image registry.example/meshcert:1.0 --envoy-image registry.example/envoy:1.36`,
  });
  addInjectionOptions(command)
    .addOption(
      new Option('--sidecar <kind>', 'auto: native since Kubernetes 1.29')
        .choices(['auto', 'native', 'container'])
        .default('auto'),
    )
    .addOption(address('--listen <ip:port>', 'where the API server comes in', '0.0.0.0:9443'))
    .addOption(address('--telemetry <ip:port>', 'of /metrics, /healthz and /readyz', '0.0.0.0:9902'))
    .option('--webhook-configuration <name>', 'the MutatingWebhookConfiguration', 'meshcert')
    .option('--service <name>', 'the Service that leads here, in our namespace', 'meshcert-webhook')
    .option(
      '--host <name>',
      'a further name or IP address that the API server looks for; may be given several times',
      (text: string, previous: string[] = []) => [...previous, parser(readHost)(text)],
    )
    .option('--secret <name>', 'where the replicas share the certificate, in our namespace', 'meshcert-webhook')
    .addOption(duration('--expiration <duration>', 'life of that certificate', '30d'))
    .addOption(duration('--drain <duration>', 'how long it goes on when told to end', '5s'))
    .addOption(
      new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default(RUN_DEFAULTS.logLevel),
    )
    .addOption(new Option('--log-format <format>', 'default: text on a terminal, else json').choices(['text', 'json']))
    .action(async ({ config, expiration, drain, host = [], ...options }: Options) => {
      const { webhook } = await import('../webhook.ts');
      ended(await webhook({ files: config, ttlMs: expiration, drainMs: drain, host, ...options }, edge));
    });
};

function address(flags: string, description: string, standard: string): Option {
  return new Option(flags, description)
    .argParser(parser(readListenAddress))
    .default(readListenAddress(standard), standard);
}

function duration(flags: string, description: string, standard: string): Option {
  return new Option(flags, description).argParser(parser(parseDurationMs)).default(parseDurationMs(standard), standard);
}

function readHost(text: string): string {
  if (isIP(text) > 0 || /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text)) return text;
  throw new AgentError('ERR_CONFIG', `expected the name of a host or an IP address, got "${text}"`);
}
