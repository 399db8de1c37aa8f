import type { DeliverConfig } from '../config/config.ts';
import { type GrpcSocket, openGrpcSocket } from '../grpc/grpc-socket.ts';
import { addStandardServices } from '../grpc/standard-services.ts';
import type { UnixSocketOptions } from '../unix-socket/listen-at-path.ts';
import type { Delivery } from './delivery.ts';
import type { DeliveryContext } from './open.ts';
import { openSds, SDS_SERVICE } from './sds/sds.ts';
import { openWorkloadApi, WORKLOAD_API_SERVICE } from './workload-api/workload-api.ts';

/** A delivery by a gRPC service. */
interface Offer {
  readonly config: UnixSocketOptions;
  /** Full name of the service. */
  readonly service: string;
  open(socket: GrpcSocket): Delivery;
}

/** The deliveries on sockets. Those that name the same socket share a server. */
export function openEndpoints({ sds, workloadApi }: DeliverConfig, context: DeliveryContext): Delivery[] {
  const offers: Offer[] = [];
  if (sds !== undefined) {
    const open = (socket: GrpcSocket) => openSds(sds, socket, { ...context, observer: context.sds });
    offers.push({ config: sds, service: SDS_SERVICE, open });
  }
  if (workloadApi !== undefined) {
    const open = (socket: GrpcSocket) => openWorkloadApi(workloadApi, socket, context);
    offers.push({ config: workloadApi, service: WORKLOAD_API_SERVICE, open });
  }
  const bySocket = Map.groupBy(offers, ({ config }) => config.socket);
  return [...bySocket.values()].flatMap((sharing) => openEndpoint(sharing, context));
}

function openEndpoint(offers: readonly Offer[], ports: DeliveryContext): Delivery[] {
  const [first] = offers;
  if (first === undefined) return [];
  const socket = openGrpcSocket(first.config, ports);
  const { setServing } = addStandardServices(
    socket,
    offers.map(({ service }) => service),
  );
  return offers.map(({ service, open }) => tellHealth(open(socket), (serving) => setServing(service, serving)));
}

/** A service serves from its first generation on, until the last one has expired. */
function tellHealth(delivery: Delivery, setServing: (serving: boolean) => void): Delivery {
  return {
    ...delivery,
    async deliver(generation) {
      await delivery.deliver(generation);
      setServing(true);
    },
    async withdraw() {
      setServing(false);
      await delivery.withdraw();
    },
    async close() {
      setServing(false);
      await delivery.close();
    },
  };
}
