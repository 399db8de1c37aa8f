import { AgentError } from '../errors.ts';
import { statusOf } from '../kubernetes/kubernetes-error.ts';
import type { PodAgent } from './find-agents.ts';

/** Why an agent could not be asked, in one line: what is in the way, and what to do about it. */
export function explainSilence(thrown: unknown, { namespace, port }: PodAgent, timeoutMs: number): string {
  const error = AgentError.from(thrown);
  switch (statusOf(thrown)) {
    case undefined:
      return error.code === 'ERR_CA_UNREACHABLE' && /^no answer/.test(error.message)
        ? `no answer within ${timeoutMs / 1000} s; does a NetworkPolicy keep the API server from port ${port}?`
        : error.line;
    case 403:
      return `not allowed to get pods/proxy in "${namespace}"; see: meshcert setup inspect`;
    case 404:
      return /pods? ".*" not found/.test(error.message)
        ? 'the pod is gone'
        : `what answers at port ${port} has no /status: another program, or an agent of before`;
    case 503:
      return `port ${port} cannot be reached; is telemetry.address 0.0.0.0:${port}, and does no NetworkPolicy forbid it?`;
    default:
      return error.line;
  }
}
