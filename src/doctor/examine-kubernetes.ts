import type { KubernetesConfig } from '../issuer/kubernetes/config.ts';
import { openIssuer } from '../issuer/open.ts';
import type { Examination, Outcome } from './examination.ts';
import { makeIssuerContext } from './issuer-context.ts';
import type { DoctorPorts } from './ports.ts';
import type { Subject } from './subject.ts';
import { checkTrial } from './trial.ts';

export interface KubernetesSubject extends Subject {
  readonly kubernetes: KubernetesConfig;
}

/** Whether the API server takes requests of ours, and the signer answers one. */
export async function examineKubernetes(
  examination: Examination,
  subject: KubernetesSubject,
  ports: DoctorPorts,
): Promise<void> {
  const { signerName } = subject.kubernetes;
  const signer = await examination.check('signer', [], async (): Promise<Outcome<true>> => {
    const issuer = await openIssuer(subject.kubernetes, makeIssuerContext(subject, ports).context);
    try {
      await issuer.probe(new AbortController().signal);
    } finally {
      await issuer.close();
    }
    const cause = `we may ask the signer "${signerName}", and what peers are to trust is published`;
    return { verdict: 'pass', cause, value: true };
  });
  await checkTrial(examination, subject.kubernetes, subject, [signer], ports);
}
