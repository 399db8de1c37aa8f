import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerProgram } from '../helpers/peers.ts';

/** The setting in which both programs are measured: the same Vault, login, role and lifetime. */
export interface Setting {
  readonly vaultAddress: string;
  /** PEM file of the CA of Vault's own certificate; undefined: plain HTTP. */
  readonly vaultCaFile: string | undefined;
  readonly pkiMount: string;
  readonly pkiRole: string;
  readonly authRole: string;
  readonly tokenFile: string;
  readonly ttlSeconds: number;
}

/** A program to measure: how it is started, and where its certificate appears. */
export interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Appears whole, with the certificate in it. */
  readonly certificateFile: string;
  /** Scraped before memory is read, as a Prometheus would. */
  readonly metricsUrl: string | undefined;
}

export interface MeshcertOptions {
  /** The built `dist/main.js`. */
  readonly program: string;
  readonly directory: string;
  readonly metricsPort: number;
  /** The path of a socket with SDS and the Workload API beside the files. Default: files alone. */
  readonly socket?: string;
}

export function prepareMeshcert(options: MeshcertOptions, setting: Setting): Contender {
  const { program, directory, metricsPort, socket } = options;
  mkdirSync(directory, { recursive: true });
  const sockets = socket === undefined ? '' : `, sds: {socket: ${socket}}, workloadApi: {socket: ${socket}}`;
  const config = join(directory, 'meshcert.yaml');
  const files = join(directory, 'identity');
  writeFileSync(
    config,
    `type: Mesh
name: bench
mtls:
  enabledBackend: vault-1
  backends:
  - name: vault-1
    type: vault
    dpCert: {rotation: {expiration: ${setting.ttlSeconds}s}}
    conf:
      fromCp:
        address: ${setting.vaultAddress}
        pki: ${setting.pkiMount}
        role: ${setting.pkiRole}
        ${setting.vaultCaFile === undefined ? '' : `tls: {caCert: {file: ${setting.vaultCaFile}}}`}
        auth:
          kubernetes: {role: ${setting.authRole}, tokenPath: ${setting.tokenFile}}
---
type: Agent
mesh: bench
service: web
deliver: {files: [{directory: ${files}}]${sockets}}
telemetry: {address: "127.0.0.1:${metricsPort}"}
admin: {socket: ${join(directory, 'admin.sock')}}
`,
  );
  return {
    name: 'meshcert',
    command: process.execPath,
    args: [...readNodeOptions(program), program, 'run', '-c', config],
    certificateFile: join(files, 'tls.crt'),
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
  };
}

/** Those in the first line of the program, with which an image starts it, too. */
function readNodeOptions(program: string): string[] {
  const [firstLine = ''] = readFileSync(program, 'utf8').split('\n', 1);
  return firstLine.split(' ').filter((word) => word.startsWith('--'));
}

export function prepareVaultAgent(directory: string, setting: Setting): Contender {
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'agent.hcl');
  const certificateFile = join(directory, 'bundle.pem');
  writeFileSync(
    config,
    `vault {
  address = "${setting.vaultAddress}"
  ${setting.vaultCaFile === undefined ? '' : `ca_cert = "${setting.vaultCaFile}"`}
}
auto_auth {
  method "kubernetes" {
    config = { role = "${setting.authRole}", token_path = "${setting.tokenFile}" }
  }
}
template {
  destination = "${certificateFile}"
  contents    = <<EOT
{{- with pkiCert "${setting.pkiMount}/issue/${setting.pkiRole}" "uri_sans=spiffe://bench/web" "ttl=${setting.ttlSeconds}s" -}}
{{ .Key }}{{ .Cert }}{{ .CA }}
{{- end -}}
EOT
}
`,
  );
  return {
    name: 'vault agent',
    command: peerProgram('vault'),
    args: ['agent', `-config=${config}`, '-log-level=error'],
    certificateFile,
    metricsUrl: undefined,
  };
}
