import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { builtProgram } from './agent.ts';
import { askSocket } from './ask-socket.ts';
import { type RunningEnvoy, startEnvoy } from './envoy.ts';
import { startProcess } from './process.ts';
import { runMeshcert } from './run-meshcert.ts';

/** `spiffe`: by SDS, to be verified by Envoy's SPIFFE validator. */
export type SecretsKind = 'files' | 'sds' | 'spiffe';

export const SECRETS_KINDS: readonly SecretsKind[] = ['files', 'sds', 'spiffe'];

export interface MemberOptions {
  readonly service: string;
  /** Of the SPIFFE ID. Default `/<service>`. */
  readonly path?: string;
  readonly allow?: readonly string[];
  /** Of the Mesh's backend. Default STRICT. */
  readonly mode?: 'STRICT' | 'PERMISSIVE';
  /** What its Envoy is given. Default `files`; with the others there are files, too, for callers without an Envoy. */
  readonly secrets?: SecretsKind;
}

/** One service of a mesh whose members share a folder, and with it a `builtin` CA. */
export interface MeshMember {
  readonly service: string;
  readonly spiffeId: string;
  /** Folder of the shared CA, and where every command is run. */
  readonly directory: string;
  readonly configFile: string;
  /** Folder of its files. */
  readonly identity: string;
  readonly adminSocket: string;
}

/** Writes the configuration of a member. @param directory a short path: sockets. */
export function writeMember(directory: string, options: MemberOptions): MeshMember {
  const { service, path = `/${service}`, allow = [], mode = 'STRICT', secrets = 'files' } = options;
  const own = join(directory, service);
  mkdirSync(own);
  const member = {
    service,
    spiffeId: `spiffe://default${path}`,
    directory,
    configFile: join(own, 'meshcert.yaml'),
    identity: join(own, 'identity'),
    adminSocket: join(own, 'admin.sock'),
  };
  const validator = secrets === 'spiffe' ? 'spiffe' : 'trustedCa';
  const sds = `\n  sds: {socket: ${join(own, 'sds.sock')}, validator: ${validator}}`;
  writeFileSync(
    member.configFile,
    `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends: [{name: ca-1, type: builtin, mode: ${mode}}]
---
type: Agent
service: ${service}
spiffeId: ${path}
allow: ${JSON.stringify(allow)}
deliver:
  files: [{directory: ${member.identity}}]${secrets === 'files' ? '' : sds}
telemetry: {address: "127.0.0.1:0"}
admin: {socket: ${member.adminSocket}}
`,
  );
  return member;
}

/** Gives the member its files, without an agent that stays. */
export async function issueOnce({ configFile, directory }: MeshMember): Promise<void> {
  const { code, stderr } = await runMeshcert(['run', '--once', '-c', configFile], { directory });
  if (code !== 0) throw new Error(`no certificate: ${stderr}`);
}

/** Starts the member's agent, and waits until it is ready. Ended by the test's teardown. */
export async function startMember(t: Pick<Test, 'teardown'>, member: MeshMember): Promise<void> {
  const { service, directory, configFile, adminSocket } = member;
  const agent = await startProcess({
    name: `${service}-agent`,
    command: builtProgram(),
    args: ['run', '-c', configFile],
    directory,
    ready: async () => JSON.parse((await askSocket(adminSocket, 'GET', '/status')).text).ready,
  });
  t.teardown(() => agent.stop());
}

/** What `meshcert envoy` prints for the member. @param args further options. */
async function printEnvoy({ configFile, directory }: MeshMember, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runMeshcert(['envoy', '-c', configFile, ...args], { directory });
  if (code !== 0) throw new Error(`nothing printed: ${stderr}`);
  return stdout;
}

/** Starts an Envoy with what is printed for the member, to the letter. Ended by the test's teardown. */
export async function startPrintedEnvoy(
  t: Pick<Test, 'teardown'>,
  member: MeshMember,
  args: readonly string[],
): Promise<RunningEnvoy> {
  const config = await printEnvoy(member, args);
  const envoy = await startEnvoy({ directory: member.directory, name: `${member.service}-envoy`, config });
  t.teardown(() => envoy.stop());
  return envoy;
}
