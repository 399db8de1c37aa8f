import { join } from 'node:path';
import type { Test } from 'tap';
import { type RunningAgent, startAgent } from './agent.ts';
import { type MeshTraffic, startMeshTraffic } from './mesh-traffic.ts';
import type { SharedPeers } from './shared-peers.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { createWorkload, type Workload } from './vault-login.ts';

export interface TwoServicesOptions {
  /** Of the Vault that the agents log in to. */
  readonly policy: string;
  /** Default `kubernetes`. */
  readonly authMount?: string;
  /** The Mesh document for one of them. */
  readonly renderMesh: (workload: Workload) => string;
}

/** One service: who it is, its agent, its folder. */
export interface Service {
  readonly name: string;
  readonly spiffeId: string;
  readonly workload: Workload;
  readonly agent: RunningAgent;
}

export interface TwoServices {
  readonly backend: Service;
  readonly frontend: Service;
  /** From `frontend` to `backend`. */
  readonly traffic: MeshTraffic;
}

const AUDIENCE = 'vault';

/**
 * Two services as they stand in a cluster: for each a namespace, a service account with a token for Vault's audience, and
 * an agent; when both are ready, an Envoy for each, and requests between them. Ended by the test's teardown.
 */
export async function startTwoServices(t: Test, peers: SharedPeers, options: TwoServicesOptions): Promise<TwoServices> {
  const directory = temporaryDirectory(t);
  const { policy, authMount, renderMesh } = options;
  async function start(name: string): Promise<Service> {
    const workload = await createWorkload(peers, {
      directory,
      policies: [policy],
      audiences: [AUDIENCE],
      roleAudience: AUDIENCE,
      ...(authMount !== undefined && { mount: authMount }),
    });
    const agent = await startAgent({
      directory: join(directory, name),
      mesh: renderMesh(workload),
      service: name,
      options: ['--log-level', 'debug'],
    });
    t.teardown(() => agent.stop());
    return { name, workload, agent, spiffeId: `spiffe://default/${name}` };
  }
  const [backend, frontend] = await Promise.all([start('backend'), start('frontend')]);
  await Promise.all([backend.agent.waitReady(), frontend.agent.waitReady()]);
  const traffic = await startMeshTraffic({
    directory,
    server: { spiffeId: backend.spiffeId, identity: backend.agent.identity },
    client: { spiffeId: frontend.spiffeId, identity: frontend.agent.identity },
  });
  t.teardown(() => traffic.stop());
  return { backend, frontend, traffic };
}
