import { AgentError, type AgentErrorOptions, type ErrorCode } from '../../errors.ts';
import type { VaultAnswer } from './client.ts';
import { nameOf } from './network-errors.ts';

interface Meaning extends Pick<AgentErrorOptions, 'remedy' | 'retry'> {
  readonly code: ErrorCode;
  readonly why: string;
}

const CHECK_ADDRESS = 'check conf.fromCp.address';
const ASK_THE_ACTIVE_NODE = 'set conf.fromCp.address to the active node, or to a balancer that asks /v1/sys/health';
/** Where requests go through an agent, its address is right, as it has answered. */
const ASK_THE_AGENT = 'see the log of the Vault Agent, and the address in its vault stanza';

const MEANINGS: Readonly<Record<number, Meaning>> = {
  400: { code: 'ERR_CA_REFUSED', why: 'bad request' },
  403: { code: 'ERR_CA_DENIED', why: 'permission denied' },
  404: { code: 'ERR_CA_REFUSED', why: 'no such path', remedy: 'compare pki and auth in conf.fromCp with Vault' },
  405: {
    code: 'ERR_CA_REFUSED',
    why: 'the path is of another kind of engine',
    remedy: 'check pki and auth in conf.fromCp',
  },
  412: { code: 'ERR_CA_UNAVAILABLE', why: 'the node has not caught up with its cluster' },
  413: { code: 'ERR_CA_PROTOCOL', why: 'the request was too large for it', remedy: CHECK_ADDRESS },
  429: { code: 'ERR_CA_THROTTLED', why: 'too many requests', remedy: 'see: vault list sys/quotas/rate-limit' },
  472: {
    code: 'ERR_CA_UNAVAILABLE',
    why: 'a node for disaster recovery',
    retry: 'slowly',
    remedy: ASK_THE_ACTIVE_NODE,
  },
  473: { code: 'ERR_CA_UNAVAILABLE', why: 'a performance standby that cannot serve this', remedy: ASK_THE_ACTIVE_NODE },
  500: { code: 'ERR_CA_UNAVAILABLE', why: 'internal error', remedy: 'see the log of Vault' },
  501: { code: 'ERR_CA_UNAVAILABLE', why: 'not initialised', retry: 'slowly', remedy: 'run: vault operator init' },
  502: { code: 'ERR_CA_UNAVAILABLE', why: 'something that Vault depends on failed', remedy: 'see the log of Vault' },
  503: { code: 'ERR_CA_UNAVAILABLE', why: 'not serving now', remedy: 'see: vault status' },
};

/** The meaning of a status that says no, for every call alike; callers look for what only they can know first. */
export function explainStatus(answer: VaultAnswer, address: string, purpose: string): AgentError {
  const { code, why, remedy, retry } = interpret(answer, address);
  const { status, complaint, retryAfterMs } = answer;
  const said = complaint === '' || complaint === why ? why : `${why}: "${complaint}"`;
  const isAboutAddress = remedy === CHECK_ADDRESS || remedy === ASK_THE_ACTIVE_NODE;
  const advice = isAboutAddress && answer.addressKey === 'agentAddress' ? ASK_THE_AGENT : remedy;
  return new AgentError(code, `${nameOf(answer)} at ${address} answered ${status} while ${purpose}: ${said}`, {
    ...(advice !== undefined && { remedy: advice }),
    ...(retry !== undefined && { retry }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** What the complaint tells more exactly than the status does. */
function interpret(answer: VaultAnswer, address: string): Meaning {
  const { status, complaint, location, addressKey } = answer;
  if (status === 400 && /HTTP request to an HTTPS server/i.test(complaint)) {
    return {
      code: 'ERR_CA_TLS',
      why: 'it listens with TLS',
      remedy: `write ${address.replace('http:', 'https:')} in conf.fromCp.${addressKey ?? 'address'}`,
    };
  }
  if (status === 503 && /sealed/i.test(complaint)) {
    return { code: 'ERR_CA_UNAVAILABLE', why: 'sealed', retry: 'slowly', remedy: 'run: vault operator unseal' };
  }
  if (/active (cluster )?node not found/i.test(complaint)) {
    const remedy = 'if this goes on, see on each node: vault status';
    return { code: 'ERR_CA_UNAVAILABLE', why: 'its cluster has no active node just now', remedy };
  }
  if (addressKey === 'agentAddress' && /^failed to get the response/.test(complaint)) {
    return { code: 'ERR_CA_UNREACHABLE', why: 'it cannot reach Vault', remedy: ASK_THE_AGENT };
  }
  if (status >= 300 && status < 400) {
    return {
      code: 'ERR_CA_UNAVAILABLE',
      why: `it is a standby that sends us to ${readOrigin(location)}, and a token goes on once and with TLS only`,
      remedy: ASK_THE_ACTIVE_NODE,
    };
  }
  const known = MEANINGS[status] ?? (status >= 500 ? MEANINGS[500] : undefined);
  return known ?? { code: 'ERR_CA_PROTOCOL', why: 'that is no answer of Vault', remedy: CHECK_ADDRESS };
}

function readOrigin(location: string | undefined): string {
  return location !== undefined && URL.canParse(location) ? new URL(location).origin : 'another node';
}
