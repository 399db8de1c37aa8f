import { InvalidArgumentError, Option } from 'commander';
import type { EnvoyOptions, OutboundOption } from '../../envoy/plan.ts';
import { readAddress, readListenAddress, readOutbound, readTarget } from '../../envoy/read-target.ts';
import { AgentError } from '../../errors.ts';
import { printEnvoy } from '../envoy.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

type Options = ConfigOptions & Omit<EnvoyOptions, 'outbounds'> & { outbound?: OutboundOption[] };

export const addEnvoy: AddCommand = (program, { edge, ended }) => {
  addCommand(program, {
    name: 'envoy',
    description: 'print the configuration of an Envoy beside this agent',
    examples: `Certificates come from deliver.sds, else from the first directory of deliver.files. Those who may call are "allow" of the
Agent document. TARGET is HOST:PORT, or tcp://HOST:PORT for what does not speak HTTP.

Examples:
  $ meshcert envoy -c agent.yaml > envoy.yaml && envoy -c envoy.yaml
  $ meshcert envoy -c agent.yaml --inbound 0.0.0.0:10443 --app 127.0.0.1:8080
  $ meshcert envoy -c agent.yaml --mode PERMISSIVE --app 127.0.0.1:8080 --app-tls 127.0.0.1:8443
  $ meshcert envoy -c agent.yaml --outbound backend=10.0.0.7:10443 --outbound 5432:db=tcp://db.internal:10443
  $ meshcert envoy -c agent.yaml --outbound orders=10.0.0.9:10443=spiffe://default/ns/shop/sa/orders`,
  })
    .addOption(
      new Option('--mode <mode>', "default: that of the Mesh's enabled backend").choices(['STRICT', 'PERMISSIVE']),
    )
    .option('--inbound <ip:port>', 'where others connect to; default: 0.0.0.0:10443', parser(readListenAddress))
    .option('--app <target>', 'the application; default: 127.0.0.1:8080', parser(readTarget))
    .option(
      '--app-tls <host:port>',
      'where it takes TLS of its own (PERMISSIVE); default: as --app',
      parser(readAddress),
    )
    .option(
      '--outbound <[port:]name=target[=id]>',
      'a service to call, at 127.0.0.1:PORT (default: 15001, 15002, ...), and its SPIFFE ID; may be given several times',
      (text: string, previous: OutboundOption[] = []) => [...previous, parser(readOutbound)(text)],
    )
    .option(
      '--admin <ip:port>',
      "Envoy's admin interface; default: as in deliver.verify, else none",
      parser(readListenAddress),
    )
    .action(async ({ config, outbound, ...options }: Options) => {
      ended(await printEnvoy({ files: config, outbounds: outbound, ...options }, edge));
    });
};

/** A wrong value is told as commander tells its own. */
function parser<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (thrown) {
      throw new InvalidArgumentError(AgentError.from(thrown).message);
    }
  };
}
