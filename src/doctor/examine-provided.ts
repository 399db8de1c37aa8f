import { openIssuer } from '../issuer/open.ts';
import type { ProvidedConfig } from '../issuer/provided/config.ts';
import type { Examination } from './examination.ts';
import type { DoctorPorts } from './ports.ts';

export interface ProvidedSubject {
  readonly provided: ProvidedConfig;
  readonly backend: string;
  readonly mesh: string;
  readonly trustDomain: string;
  readonly requestTimeoutMs: number;
}

/** Reads the CA and its key as the agent would, and holds them to the same rules. */
export async function examineProvided(
  examination: Examination,
  { provided, ...subject }: ProvidedSubject,
  { clock, readSource }: DoctorPorts,
): Promise<void> {
  await examination.check('ca', [], async () => {
    const warnings: string[] = [];
    const silent = () => {};
    const log = { debug: silent, info: silent, error: silent, warn: (event: string) => void warnings.push(event) };
    const observer = { stepTook: silent, clockSkewSeen: silent, credentialExpires: silent };
    const issuer = await openIssuer(provided, { ...subject, clock, readSource, log, observer });
    await issuer.probe(new AbortController().signal);
    if (warnings.length === 0) {
      return { verdict: 'pass', cause: `the CA "${subject.backend}" and its key can be read, and break no rule` };
    }
    return { verdict: 'warn', cause: warnings.join('; '), remedy: 'see each rule: meshcert ca check CERT KEY' };
  });
}
