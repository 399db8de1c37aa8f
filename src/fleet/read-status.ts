import * as v from 'valibot';
import { AgentError } from '../errors.ts';
import type { Status } from '../observe/status.ts';

const moment = v.pipe(
  v.string(),
  v.check((text) => !Number.isNaN(Date.parse(text))),
);

const deliveries = v.array(
  v.looseObject({ name: v.string(), generation: v.number(), failing: v.exactOptional(v.string()) }),
);

/** What is relied on here; what later versions add passes. */
const schema: v.GenericSchema<unknown, Status> = v.looseObject({
  mesh: v.string(),
  name: v.string(),
  spiffeId: v.string(),
  backend: v.exactOptional(v.string()),
  supportedBackends: v.array(v.string()),
  ready: v.boolean(),
  notReady: v.array(v.string()),
  certificate: v.exactOptional(
    v.looseObject({
      generation: v.number(),
      backend: v.string(),
      serialNumber: v.string(),
      notBefore: moment,
      notAfter: moment,
      issuedAt: moment,
      rotatesAt: moment,
      trustBundleCertificates: v.number(),
    }),
  ),
  regenerations: v.number(),
  lastRegeneration: v.exactOptional(moment),
  ca: v.looseObject({
    state: v.picklist(['Connected', 'Unknown']),
    since: moment,
    reason: v.exactOptional(v.string()),
  }),
  lastError: v.exactOptional(
    v.looseObject({ code: v.string(), line: v.string(), at: moment, retryAt: v.exactOptional(moment) }),
  ),
  deliveries,
  hooks: v.exactOptional(deliveries),
  served: v.exactOptional(deliveries),
  credentials: v.array(v.looseObject({ kind: v.string(), expiresAt: moment })),
  clockSkewSeconds: v.exactOptional(v.number()),
  agent: v.looseObject({ version: v.string(), pid: v.number(), startedAt: moment }),
});

/**
 * Takes an answer for the status of an agent when it is one. What a pod says of itself is not to be trusted: control
 * characters, which could write elsewhere on a terminal, become spaces.
 *
 * @throws AgentError `ERR_AGENT`
 */
export function readStatus(answer: unknown): Status {
  const { success, output, issues } = v.safeParse(schema, cleanText(answer));
  if (success) return output;
  const where = v.getDotPath(issues[0]) ?? '';
  throw new AgentError('ERR_AGENT', `what answers is no agent, or one of another version${where && `: see ${where}`}`);
}

function cleanText(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\p{Cc}+/gu, ' ');
  if (Array.isArray(value)) return value.map(cleanText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, cleanText(one)]));
}
