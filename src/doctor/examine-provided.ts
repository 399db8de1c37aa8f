import { openIssuer } from '../issuer/open.ts';
import type { ProvidedConfig } from '../issuer/provided/config.ts';
import type { Examination } from './examination.ts';
import { makeIssuerContext } from './issuer-context.ts';
import type { DoctorPorts } from './ports.ts';
import type { Subject } from './subject.ts';

export interface ProvidedSubject extends Subject {
  readonly provided: ProvidedConfig;
}

/** Reads the CA and its key as the agent would, and holds them to the same rules. */
export async function examineProvided(
  examination: Examination,
  subject: ProvidedSubject,
  ports: DoctorPorts,
): Promise<void> {
  await examination.check('ca', [], async () => {
    const { context, warnings } = makeIssuerContext(subject, ports);
    const issuer = await openIssuer(subject.provided, context);
    await issuer.probe(new AbortController().signal);
    if (warnings.length === 0) {
      return { verdict: 'pass', cause: `the CA "${subject.backend}" and its key can be read, and break no rule` };
    }
    const cause = warnings.map(({ event }) => event).join('; ');
    return { verdict: 'warn', cause, remedy: 'see each rule: meshcert ca check CERT KEY' };
  });
}
