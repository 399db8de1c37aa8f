import { describeClusters } from './clusters.ts';
import { describeAddress, describeListeners } from './listeners.ts';
import { note } from './note.ts';
import type { Plan, SecretSource } from './plan.ts';

/** The whole configuration that Envoy starts with, as data with notes. */
export function describeBootstrap(plan: Plan): object {
  const { service, spiffeId, mode, secrets, admin } = plan;
  const title = `Envoy for the service ${service} (${spiffeId}), mode ${mode}. Made by: meshcert envoy\n${explain(secrets)}`;
  return note(title, {
    node: note('Envoy asks nobody for secrets without them.', { id: service, cluster: service }),
    admin: admin && note('Whoever reaches this may end Envoy.', { address: describeAddress(admin) }),
    static_resources: { listeners: describeListeners(plan), clusters: describeClusters(plan) },
  });
}

function explain(secrets: SecretSource): string {
  if (secrets.kind === 'sds') {
    return `Certificate, key and trust bundle come from the agent at ${secrets.socket} and are replaced while it runs.
No port opens before the first certificate is there. Envoy's user needs to be allowed to write to the socket.`;
  }
  return `Certificate, key and trust bundle come from files in ${secrets.directory} and are replaced while it runs.
Start it when the agent is ready: without these files Envoy ends. Envoy's user needs to be allowed to read
${secrets.files.key}.`;
}
