import { X509Certificate } from 'node:crypto';
import { findRoot, parsePinnedAnchors } from '../../issuer/acmpca/anchors.ts';
import type { AcmPcaConfig } from '../../issuer/acmpca/config.ts';
import { openCredentials } from '../../issuer/acmpca/credentials.ts';
import type { PrivateCa } from '../../issuer/acmpca/private-ca.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import { makeIssuerContext } from '../issuer-context.ts';
import type { DoctorPorts } from '../ports.ts';
import type { Subject } from '../subject.ts';
import { checkTrial } from '../trial.ts';
import { judgeDescription } from './judge-description.ts';

export interface AcmPcaSubject extends Subject {
  readonly acmpca: AcmPcaConfig;
}

/** Credentials, state and limits of the CA, what peers trust, and a certificate, each as the agent has it. */
export async function examineAcmPca(
  examination: Examination,
  subject: AcmPcaSubject,
  ports: DoctorPorts,
): Promise<void> {
  const { acmpca: config, requestTimeoutMs } = subject;
  const signal = AbortSignal.timeout(requestTimeoutMs);
  const { context } = makeIssuerContext(subject, ports);
  const connected = await examination.check('credentials', [], async (): Promise<Outcome<PrivateCa>> => {
    const credentials = await openCredentials(config, context).find(signal);
    const { connectPrivateCa } = await import('../../issuer/acmpca/client.ts');
    const value = connectPrivateCa({ config, credentials, signal, requestTimeoutMs, clockSeen: () => {} });
    const whence = config.credentials === undefined ? 'found where the AWS SDK looks' : 'of conf.auth.awsCredentials';
    const { expiration, accessKeyId } = credentials;
    const end = expiration === undefined ? 'without an end' : `until ${expiration.toISOString()}`;
    return { verdict: 'pass', cause: `access key ${accessKeyId}, ${whence}, ${end}`, value };
  });
  try {
    const ca = await examination.check('ca', [connected], async (privateCa) =>
      judgeDescription(await privateCa.describe(), subject.ttlSeconds, ports.clock.nowMs(), config.arn),
    );
    const trust = await checkTrust(examination, config, connected, ports);
    await checkTrial(examination, config, subject, [connected, ca, trust], ports);
  } finally {
    connected.value?.close();
  }
}

/** What peers will be told to trust is the root of this CA. */
async function checkTrust(
  examination: Examination,
  { caCert, arn, region }: AcmPcaConfig,
  connected: Checked<PrivateCa>,
  { readSource }: DoctorPorts,
): Promise<Checked<true>> {
  return examination.check('trust', [connected], async (privateCa): Promise<Outcome<true>> => {
    const root = new X509Certificate(findRoot(await privateCa.getCaCertificate()));
    const name = root.subject.replaceAll('\n', ', ');
    if (caCert === undefined)
      return { verdict: 'pass', cause: `peers trust "${name}", the root of the CA`, value: true };
    const { anchors } = parsePinnedAnchors(await readSource(caCert));
    if (anchors.some((anchor) => anchor.equals(root.raw))) {
      return { verdict: 'pass', cause: `conf.caCert is the root of the CA, "${name}"`, value: true };
    }
    const read = `aws acm-pca get-certificate-authority-certificate --region ${region} --certificate-authority-arn ${arn}`;
    return {
      verdict: 'warn',
      cause: `conf.caCert does not hold the root of the CA, "${name}"`,
      remedy: 'unless peers are to trust an intermediate alone, put the root there',
      command: read,
      value: true,
    };
  });
}
