/**
 * gRPC's standard health service, for probes such as grpc_health_probe and the kubelet's.
 *
 * Not by grpc-health-check, which parses its `.proto` file whenever it is loaded; the build compiles ours.
 *
 * @module
 */
import { openStateStream } from '../store/state-stream.ts';
import type { GrpcService } from './grpc-socket.ts';
import { statusError } from './status.ts';
import { type CallContext, serveStream, serveUnary } from './streams.ts';

export const HEALTH_SERVICE = 'grpc.health.v1.Health';

/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: number;
}

export interface Health {
  setServing(service: string, serving: boolean): void;
  /** For `GrpcSocket.add`. */
  load(): Promise<GrpcService>;
  check(request: HealthRequest): HealthResponse;
  watch(request: HealthRequest, context: Pick<CallContext, 'signal'>): AsyncGenerator<HealthResponse, void>;
}

/** @param services full names; none of them serves yet. The server as a whole, `""`, serves when all of them do. */
export function openHealth(services: readonly string[]): Health {
  const state = openStateStream<ReadonlyMap<string, boolean>>(new Map(services.map((service) => [service, false])));

  function findStatus(service: string): number {
    const found = service === '' ? [...state.current().values()].every(Boolean) : state.current().get(service);
    if (found === undefined) return SERVICE_UNKNOWN;
    return found ? SERVING : NOT_SERVING;
  }

  const health: Health = {
    setServing(service, serving) {
      if (state.current().get(service) !== serving) state.change(new Map(state.current()).set(service, serving));
    },
    check({ service }) {
      const status = findStatus(service);
      if (status === SERVICE_UNKNOWN) throw statusError('notFound', 'there is no such service here');
      return { status };
    },
    async *watch({ service }, { signal }) {
      let told: number | undefined;
      for await (const _ of state.changes(signal)) {
        const status = findStatus(service);
        if (status !== told) yield { status };
        told = status;
      }
    },
    async load() {
      const { findService } = await import('./proto.ts');
      const list = () => ['', ...state.current().keys()].map((service) => [service, { status: findStatus(service) }]);
      const handlers = {
        Check: serveUnary(health.check),
        List: serveUnary(() => ({ statuses: Object.fromEntries(list()) })),
        Watch: serveStream(health.watch),
      };
      return { definition: findService(HEALTH_SERVICE), handlers };
    },
  };
  return health;
}
