/**
 * gRPC server reflection, which a Workload Endpoint should offer (SPIFFE Workload Endpoint, section 7).
 *
 * Not by @grpc/reflection, which lists a service without a package as `.SpiffeWorkloadAPI` and then does not find it.
 *
 * @module
 */
import type { ProtoFile } from './describe-protos.ts';
import type { GrpcService } from './grpc-socket.ts';
import { STATUS } from './status.ts';
import { serveDuplex } from './streams.ts';

/** v1alpha is what older clients ask for; the messages are the same. */
export const REFLECTION_SERVICES = [
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
] as const;

/** One question; `messageRequest` tells which. */
export interface ReflectionRequest {
  readonly messageRequest?:
    | 'fileByFilename'
    | 'fileContainingSymbol'
    | 'fileContainingExtension'
    | 'allExtensionNumbersOfType'
    | 'listServices'
    | undefined;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly host?: string;
}

export type ReflectionAnswer =
  | { readonly listServicesResponse: { readonly service: readonly { readonly name: string }[] } }
  | { readonly fileDescriptorResponse: { readonly fileDescriptorProto: readonly Buffer[] } }
  | { readonly errorResponse: { readonly errorCode: number; readonly errorMessage: string } };

/**
 * One of {@link REFLECTION_SERVICES}.
 *
 * @param services full names of all services of the server.
 */
export async function loadReflection(
  name: (typeof REFLECTION_SERVICES)[number],
  services: readonly string[],
): Promise<GrpcService> {
  const { findService } = await import('./proto.ts');
  async function* answerAll(requests: AsyncIterable<ReflectionRequest>) {
    for await (const request of requests) {
      // Hardly anybody ever asks.
      const { protoFiles } = await import('./proto-files.ts');
      const answer = answerReflection(request, services, protoFiles);
      yield { validHost: request.host, originalRequest: request, ...answer };
    }
  }
  return { definition: findService(name), handlers: { ServerReflectionInfo: serveDuplex(answerAll) } };
}

export function answerReflection(
  request: ReflectionRequest,
  services: readonly string[],
  files: readonly ProtoFile[],
): ReflectionAnswer {
  const { messageRequest, fileByFilename = '', fileContainingSymbol = '' } = request;
  switch (messageRequest) {
    case 'listServices':
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return answerWithFile(
        files.find(({ name }) => name === fileByFilename),
        files,
      );
    case 'fileContainingSymbol':
      return answerWithFile(
        files.find(({ symbols }) => symbols.includes(fileContainingSymbol)),
        files,
      );
    case 'fileContainingExtension':
    case 'allExtensionNumbersOfType':
      return refuse('notFound', 'there are no extensions');
    default:
      return refuse('unimplemented', 'unknown question');
  }
}

/** The file first, then all that it builds on. */
function answerWithFile(file: ProtoFile | undefined, files: readonly ProtoFile[]): ReflectionAnswer {
  if (file === undefined) return refuse('notFound', 'nothing here has this name');
  const found = new Set([file]);
  for (const { dependencies } of found) {
    for (const other of files) if (dependencies.includes(other.name)) found.add(other);
  }
  const fileDescriptorProto = [...found].map(({ descriptor }) => Buffer.from(descriptor, 'base64'));
  return { fileDescriptorResponse: { fileDescriptorProto } };
}

function refuse(status: keyof typeof STATUS, errorMessage: string): ReflectionAnswer {
  return { errorResponse: { errorCode: STATUS[status], errorMessage } };
}
