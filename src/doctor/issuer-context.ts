import type { IssuerContext } from '../issuer/issuer.ts';
import type { LogFields } from '../log.ts';
import type { DoctorPorts } from './ports.ts';
import type { Subject } from './subject.ts';

/** What the issuer warned of while it worked. */
export interface Warning {
  readonly event: string;
  readonly remedy: string | undefined;
}

/** What the agent's own issuer is given here: it logs nothing, and its warnings are kept. */
export function makeIssuerContext(
  { backend, mesh, spiffeId, requestTimeoutMs }: Subject,
  { readSource, clock, random }: DoctorPorts,
): { readonly context: IssuerContext; readonly warnings: readonly Warning[] } {
  const warnings: Warning[] = [];
  const keep = (event: string, fields: LogFields = {}) => {
    warnings.push({ event, remedy: fields.remedy === undefined ? undefined : String(fields.remedy) });
  };
  const context: IssuerContext = {
    backend,
    mesh,
    trustDomain: spiffeId.trustDomain,
    requestTimeoutMs,
    readSource,
    clock,
    random,
    log: { debug: ignore, info: ignore, warn: keep, error: keep },
    observer: { stepTook: ignore, clockSkewSeen: ignore, credentialExpires: ignore },
  };
  return { context, warnings };
}

function ignore(): void {}
