import { AgentError } from '../../errors.ts';
import { areRoots, readTrust } from '../../issuer/certmanager/answer.ts';
import type { CertManagerConfig } from '../../issuer/certmanager/config.ts';
import { probeIssuer } from '../../issuer/certmanager/health.ts';
import { type Kubernetes, openKubernetes } from '../../kubernetes/kubernetes.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { DoctorPorts } from '../ports.ts';
import type { Subject } from '../subject.ts';
import { checkTrial } from '../trial.ts';
import { checkPermissions } from './permissions.ts';

export interface CertManagerSubject extends Subject {
  readonly certmanager: CertManagerConfig;
}

/** The way of a certificate, step by step, each as the agent takes it. */
export async function examineCertManager(
  examination: Examination,
  subject: CertManagerSubject,
  ports: DoctorPorts,
): Promise<void> {
  let opened: Kubernetes | undefined;
  try {
    const reached = await examination.check('reach', [], async (): Promise<Outcome<Kubernetes>> => {
      opened = await open(subject, ports);
      const { gitVersion = 'of an unknown version' } = await opened.get<{ gitVersion?: string }>('/version', never());
      const cause = `Kubernetes ${gitVersion} at ${opened.address}, namespace "${opened.namespace}"`;
      return { verdict: 'pass', cause, value: opened };
    });
    const issuer = await checkIssuer(examination, subject, reached);
    const permitted = await checkPermissions(examination, reached);
    const ca = await checkCa(examination, subject, ports);
    await checkTrial(examination, subject.certmanager, subject, [issuer, permitted, ca], ports);
  } finally {
    opened?.close();
  }
}

async function open({ certmanager, requestTimeoutMs }: CertManagerSubject, { clock }: DoctorPorts) {
  // Chance is for watches, of which there are none here.
  return openKubernetes({ access: certmanager.access, limitMs: requestTimeoutMs }, { clock, random: () => 0 });
}

/** Whether cert-manager is there, and its issuer ready. */
function checkIssuer(
  examination: Examination,
  { certmanager: { issuerRef } }: CertManagerSubject,
  reached: Checked<Kubernetes>,
): Promise<Checked<true>> {
  const { kind, name, group } = issuerRef;
  return examination.check('issuer', [reached], async (kubernetes): Promise<Outcome<true>> => {
    const seen = await probeIssuer(kubernetes, issuerRef, never());
    if (seen === 'ready') return { verdict: 'pass', cause: `${kind} "${name}" is ready`, value: true };
    if (seen === 'foreign') {
      const cause = `${kind} "${name}" is of the group ${group}: its own controller knows whether it is ready`;
      return { verdict: 'skip', cause, value: true };
    }
    return {
      verdict: 'warn',
      cause: `we may not look at ${kind} "${name}", so that its troubles are seen only when a certificate is due`,
      remedy: 'grant what is printed',
      command: SETUP,
      value: true,
    };
  });
}

function checkCa(
  examination: Examination,
  { certmanager: { caCert } }: CertManagerSubject,
  { readSource, clock }: DoctorPorts,
): Promise<Checked<true>> {
  return examination.check('ca', [], async (): Promise<Outcome<true>> => {
    if (caCert === undefined) {
      const cause = 'no conf.caCert: peers trust the CA that cert-manager names with each certificate';
      return { verdict: 'pass', cause, value: true };
    }
    const trust = readTrust(await readSource(caCert), 'conf.caCert');
    const { X509Certificate } = await import('node:crypto');
    const anchors = trust.anchors.map((der) => new X509Certificate(der));
    const ended = anchors.find(({ validToDate }) => validToDate.getTime() <= clock.nowMs());
    const name = (one: (typeof anchors)[number]) => one.subject?.replaceAll('\n', ', ') || one.serialNumber;
    if (ended !== undefined) {
      throw new AgentError('ERR_SOURCE', `the CA "${name(ended)}" in conf.caCert has expired`, {
        remedy: 'put the present root of that CA there',
      });
    }
    const cause = `peers trust ${anchors.map((one) => `"${name(one)}"`).join(', ')}`;
    if (areRoots(trust)) return { verdict: 'pass', cause, value: true };
    return { verdict: 'warn', cause: `${cause}, which is no root`, remedy: 'set conf.caCert to the root', value: true };
  });
}

/** What prints everything that is to be granted. */
const SETUP = 'meshcert setup certmanager -c FILE --service-account NAMESPACE/NAME | kubectl apply -f -';

function never(): AbortSignal {
  return new AbortController().signal;
}
