import type { GrpcSocket } from './grpc-socket.ts';
import { HEALTH_SERVICE, type Health, openHealth } from './health.ts';
import { loadReflection, REFLECTION_SERVICES } from './reflection.ts';

/**
 * Adds what every gRPC server should have: health and reflection.
 *
 * @param services full names of the others on this socket.
 */
export function addStandardServices(socket: GrpcSocket, services: readonly string[]): Health {
  const health = openHealth(services);
  const all = [...services, HEALTH_SERVICE, ...REFLECTION_SERVICES];
  socket.add(() => health.load());
  for (const name of REFLECTION_SERVICES) socket.add(() => loadReflection(name, all));
  return health;
}
