import { AgentError, type AgentErrorOptions, type ErrorCode } from '../errors.ts';

/** A failure at the API server. */
export class KubernetesError extends AgentError {
  /** Of HTTP: 404 there is none, 409 there is one or it has changed, 410 too old, 422 invalid. Undefined: no answer came. */
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions & { readonly status?: number } = {}) {
    super(code, message, options);
    this.status = options.status;
  }
}

/** The HTTP status that the API server answered with; undefined when this is no answer of it. */
export function statusOf(thrown: unknown): number | undefined {
  return thrown instanceof KubernetesError ? thrown.status : undefined;
}
