import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { AgentError } from '../../src/errors.ts';
import { makeOpensslCsr } from './openssl-csr.ts';
import { peerProgram } from './peers.ts';
import { plainEnvironment } from './process.ts';
import { runCommand } from './run-command.ts';
import { openVaultIssuer } from './vault-issuer.ts';

export interface Tried {
  readonly isSigned: boolean;
  /** All that was said: warnings, errors, the log. */
  readonly text: string;
  /** Of ours, where it failed after the configuration was read. */
  readonly error?: AgentError;
}

export interface BothVaultClients {
  /** `vault write MOUNT/sign/dataplanes` with nothing but these variables. */
  official(environment: Readonly<Record<string, string>>): Promise<Tried>;
  /** The agent's way to a certificate, with a Mesh that says the mount alone, and these variables. */
  ours(environment: Readonly<Record<string, string>>): Promise<Tried>;
}

/** Vault's own client and ours, who ask the same of the same role. */
export async function openBothVaultClients(directory: string, mount: string): Promise<BothVaultClients> {
  const program = peerProgram('vault');
  writeFileSync(join(directory, 'csr.pem'), await makeOpensslCsr({ names: 'URI:spiffe://default/web' }));
  const mesh = `type: Mesh
name: default
mtls:
  enabledBackend: vault-1
  backends:
  - {name: vault-1, type: vault, conf: {fromCp: {pki: ${mount}}}}`;
  return {
    async official(environment) {
      const env = { ...plainEnvironment(directory), ...environment, PATH: dirname(program) };
      const args = ['write', '-field=serial_number', `${mount}/sign/dataplanes`, 'csr=@csr.pem', 'ttl=1h'];
      try {
        const text = await runCommand(program, args, { cwd: directory, env });
        // It also takes a redirect that it does not follow for success.
        return { isSigned: text.trim() !== '', text };
      } catch (thrown) {
        return { isSigned: false, text: String(thrown) };
      }
    },
    async ours(environment) {
      const { config, problems } = loadConfig({
        sources: [{ file: 'mesh.yaml', text: mesh }],
        environment,
        hostName: 'web-0',
        currentDirectory: directory,
      });
      const lines = problems.map(formatProblem);
      const backend = config?.backend;
      if (backend?.issuer.kind !== 'vault') return { isSigned: false, text: lines.join('\n') };
      const vaultIssuer = openVaultIssuer({ ...backend.issuer, requestTimeoutMs: backend.requestTimeoutMs });
      try {
        await vaultIssuer.issue();
        return { isSigned: true, text: [...lines, ...vaultIssuer.said].join('\n') };
      } catch (thrown) {
        const error = AgentError.from(thrown);
        return { isSigned: false, text: [...lines, ...vaultIssuer.said, error.line].join('\n'), error };
      } finally {
        await vaultIssuer.issuer.close();
      }
    },
  };
}
