import { join } from 'node:path';
import { builtProgram, type LogLine } from './agent.ts';
import { eventually } from './eventually.ts';
import { plainEnvironment, type RunningProcess, startProcess } from './process.ts';
import { requestJson } from './request-json.ts';
import { makePodEnvironment, type SignerCluster, writeFiles } from './signer-cluster.ts';
import { uniqueName } from './unique-name.ts';

export interface SignerProcess extends RunningProcess {
  log(): LogLine[];
  /** `/readyz`, `/healthz` or `/metrics`. */
  probe(path: string): Promise<{ readonly status: number; readonly text: string }>;
  isLeading(): Promise<boolean>;
}

/**
 * Starts the built program as a signer, as its own service account. Resolves when it answers.
 *
 * @param options.mesh the Mesh document.
 */
export async function startSigner(
  { signer }: SignerCluster,
  { directory, mesh, options = [] }: { directory: string; mesh: string; options?: readonly string[] },
): Promise<SignerProcess> {
  writeFiles(directory, { 'mesh.yaml': mesh });
  const running = await startProcess({
    name: uniqueName('signer'),
    command: builtProgram(),
    args: ['signer', '-c', join(directory, 'mesh.yaml'), '--telemetry', '127.0.0.1:0', ...options],
    directory,
    env: { ...plainEnvironment(directory), ...makePodEnvironment(signer) },
  });
  const log = () =>
    running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  const url = await eventually('the signer answers', () => {
    return log().find(({ event }) => event === 'answering')?.telemetry as string | undefined;
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${running.output()}`);
  });
  const probe = async (path: string) => {
    const { status, body } = await requestJson<{ text: string }>(`${url}${path}`, { timeoutMs: 5_000 });
    return { status, text: body.text };
  };
  return {
    ...running,
    get exited() {
      return running.exited;
    },
    log,
    probe,
    isLeading: async () => (await probe('/readyz')).text.includes('leads, and the trust bundle is published'),
  };
}

/** A Mesh of one builtin backend, as both the signer and its agents read it. */
export function renderSignedMesh(name: string, expiration: string): string {
  return `type: Mesh
name: ${name}
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: builtin, dpCert: {requestTimeout: 3s, rotation: {expiration: ${expiration}}}}
`;
}
