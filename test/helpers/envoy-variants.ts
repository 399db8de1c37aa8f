import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { EnvoyOptions } from '../../src/envoy/plan.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';

/** One way in which Envoy can be set up beside an agent. */
export interface EnvoyVariant {
  /** `sds STRICT exact outbounds http` */
  readonly name: string;
  readonly secrets: 'files' | 'sds';
  readonly mode: 'STRICT' | 'PERMISSIVE';
  readonly callers: keyof typeof ALLOW;
  readonly outbounds: boolean;
  readonly protocol: 'http' | 'tcp';
  readonly config: Config;
  readonly options: EnvoyOptions;
}

const ALLOW = {
  everybody: [],
  exact: ['spiffe://default/frontend'],
  prefix: ['spiffe://default/batch/*'],
} as const;

const OUTBOUNDS: EnvoyOptions['outbounds'] = [
  { name: 'backend', target: { protocol: 'http', host: '127.0.0.1', port: 10_444 } },
  { name: 'db', target: { protocol: 'tcp', host: 'localhost', port: 5432 }, localPort: 5432 },
  {
    name: 'orders',
    target: { protocol: 'http', host: '::1', port: 10_445 },
    spiffeId: new SpiffeId('default', '/ns/shop/sa/orders'),
  },
];

/** Every combination. `directory` holds the files and the socket of the agent. */
export function listEnvoyVariants(directory: string): EnvoyVariant[] {
  return (['files', 'sds'] as const).flatMap((secrets) =>
    (['STRICT', 'PERMISSIVE'] as const).flatMap((mode) =>
      (['everybody', 'exact', 'prefix'] as const).flatMap((callers) =>
        [false, true].flatMap((outbounds) =>
          (['http', 'tcp'] as const).map((protocol) => ({
            name: [secrets, mode, callers, ...(outbounds ? ['outbounds'] : []), protocol].join(' '),
            ...{ secrets, mode, callers, outbounds, protocol },
            config: makeEnvoyConfig({ directory, secrets, mode, allow: ALLOW[callers] }),
            options: {
              app: { protocol, host: '127.0.0.1', port: 8080 },
              ...(outbounds && { outbounds: OUTBOUNDS }),
            },
          })),
        ),
      ),
    ),
  );
}

export interface EnvoyConfigOptions {
  /** Absolute. */
  readonly directory: string;
  readonly secrets?: 'files' | 'sds';
  /** That of the backend. */
  readonly mode?: 'STRICT' | 'PERMISSIVE';
  readonly allow?: readonly string[];
  /** Default `web`. */
  readonly service?: string;
  /** A line of the Agent document. Default: as `secrets` says. */
  readonly deliver?: string;
  /** Further lines of the Agent document. */
  readonly agent?: string;
}

/** The configuration of the agent `web` in the mesh `default`. */
export function makeEnvoyConfig(options: EnvoyConfigOptions): Config {
  const { directory, secrets = 'files', mode = 'STRICT', allow = [], service = 'web', agent = '' } = options;
  const files = `files: [{directory: ${directory}/identity}]`;
  const sds = `sds: {socket: ${directory}/sds.sock}`;
  const { deliver = `deliver: {${secrets === 'files' ? files : sds}}` } = options;
  const text = `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends: [{name: ca-1, type: builtin, mode: ${mode}}]
---
type: Agent
service: ${JSON.stringify(service)}
allow: ${JSON.stringify(allow)}
${deliver}
${agent}
`;
  const { config, problems } = loadConfig({
    sources: [{ file: 'mesh.yaml', text }],
    environment: {},
    hostName: 'web-0',
    currentDirectory: directory,
  });
  if (config === undefined) throw new Error(`does not load: ${problems.map(({ message }) => message)}`);
  return config;
}
