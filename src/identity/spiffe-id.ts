import { AgentError } from '../errors.ts';

const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;
const MAX_TRUST_DOMAIN_BYTES = 255;
const MAX_ID_BYTES = 2048;

/** The identity of a workload: `spiffe://<trust domain>/<path>`, checked (SPIFFE-ID, section 2). */
export class SpiffeId {
  readonly trustDomain: string;
  /** With its leading slash, never empty: an identity with no path is a trust domain, not a workload. */
  readonly path: string;

  /** @throws AgentError `ERR_CONFIG` that names the rule which the parts break. */
  constructor(trustDomain: string, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
    const broken = findBrokenRule(trustDomain, path);
    if (broken !== undefined) {
      throw new AgentError('ERR_CONFIG', `"${this}" is not a SPIFFE ID of a workload: ${broken}`);
    }
  }

  toString(): string {
    return `spiffe://${this.trustDomain}${this.path}`;
  }
}

function findBrokenRule(trustDomain: string, path: string): string | undefined {
  if (!TRUST_DOMAIN.test(trustDomain)) return 'a trust domain holds only a-z, 0-9, ".", "-" and "_"';
  if (trustDomain.length > MAX_TRUST_DOMAIN_BYTES) return `a trust domain has at most ${MAX_TRUST_DOMAIN_BYTES} bytes`;
  if (!path.startsWith('/') || path === '/') return 'a path starts with "/" and is not empty';
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'a path has no empty segment and no "/" at its end';
    if (!SEGMENT.test(segment))
      return `the segment "${segment}" may hold only letters, digits, ".", "-" and "_", and is not "." or ".."`;
  }
  if (`spiffe://${trustDomain}${path}`.length > MAX_ID_BYTES) return `it has at most ${MAX_ID_BYTES} bytes`;
  return undefined;
}

/** Values for the placeholders of a path template; absent ones are unknown here. */
export interface SpiffeIdValues {
  readonly service: string;
  readonly namespace?: string | undefined;
  readonly serviceAccount?: string | undefined;
  readonly pod?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * The SPIFFE ID that a path template such as `/{service}` or `/ns/{namespace}/sa/{serviceAccount}` gives.
 * Placeholders: `{service}`, `{namespace}`, `{serviceAccount}`, `{pod}`, `{tag.NAME}`.
 *
 * @throws AgentError `ERR_CONFIG` for an unknown placeholder, one whose value is unknown, or a result that is no ID.
 */
export function renderSpiffeId(trustDomain: string, template: string, values: SpiffeIdValues): SpiffeId {
  const path = template.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = lookUp(name, values);
    if (value === undefined || value === '') {
      throw new AgentError('ERR_CONFIG', `spiffeId "${template}": {${name}} has no value here`, {
        remedy: `use {service}, {namespace}, {serviceAccount}, {pod} or {tag.NAME}, and set what it names`,
      });
    }
    return value;
  });
  return new SpiffeId(trustDomain, path);
}

function lookUp(name: string, values: SpiffeIdValues): string | undefined {
  if (name.startsWith('tag.')) return values.tags[name.slice('tag.'.length)];
  switch (name) {
    case 'service':
    case 'namespace':
    case 'serviceAccount':
    case 'pod':
      return values[name];
    default:
      return undefined;
  }
}
