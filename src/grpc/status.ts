/** The status codes of gRPC that are answered here (gRPC, statuscodes.md). */
export const STATUS = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** What a call ends with when it does not end well. grpc-js sends an error with these two as it is. */
export interface StatusError extends Error {
  readonly code: (typeof STATUS)[keyof typeof STATUS];
  readonly details: string;
}

/** @param details one line for whoever runs the client; seen by everybody who can reach the socket. */
export function statusError(status: keyof typeof STATUS, details: string): StatusError {
  return Object.assign(new Error(details), { code: STATUS[status], details });
}

/** Any thrown value as a status. What was not thrown for the client's eyes is not shown to it. */
export function toStatusError(thrown: unknown): StatusError {
  if (thrown instanceof Error && 'details' in thrown && 'code' in thrown) return thrown as StatusError;
  return Object.assign(new Error('internal error', { cause: thrown }), {
    code: STATUS.internal,
    details: 'internal error',
  });
}
