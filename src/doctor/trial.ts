import type { IssuerConfig } from '../config/config.ts';
import { AgentError } from '../errors.ts';
import { formatDuration } from '../format-duration.ts';
import { makeCsr } from '../identity/csr.ts';
import type { Identity } from '../identity/identity.ts';
import { KEY_TYPES, type KeyType, makePrivateKey } from '../identity/key-pair.ts';
import { verifyIssued } from '../identity/verify.ts';
import type { Issuer } from '../issuer/issuer.ts';
import { openIssuer } from '../issuer/open.ts';
import type { Checked, Examination, Outcome } from './examination.ts';
import { makeIssuerContext, type Warning } from './issuer-context.ts';
import type { DoctorPorts } from './ports.ts';
import type { Subject } from './subject.ts';

/**
 * Does what the agent does, to the end, and throws key and certificate away: they touch no disk. What the CA keeps of a
 * certificate, or takes for it, it keeps and takes.
 */
export async function checkTrial(
  examination: Examination,
  issuerConfig: IssuerConfig,
  subject: Subject,
  needed: readonly Checked<unknown>[],
  ports: DoctorPorts,
): Promise<void> {
  await examination.check('trial', needed, async (): Promise<Outcome<true>> => {
    if (!ports.trial) return { verdict: 'skip', cause: 'not wanted' };
    const { context, warnings } = makeIssuerContext(subject, ports);
    const issuer = await openIssuer(issuerConfig, context);
    try {
      const { identity, tolerated } = await issueOnce(issuer, subject, subject.keyType ?? 'ec-p256', ports);
      return judge(identity, tolerated, warnings);
    } finally {
      await issuer.close();
    }
  });
}

interface Tried {
  readonly identity: Identity;
  /** What is wrong with it and yet let pass. */
  readonly tolerated: readonly string[];
}

/** With another key when the CA demands it and the choice is ours, as the agent does. */
async function issueOnce(issuer: Issuer, subject: Subject, keyType: KeyType, ports: DoctorPorts): Promise<Tried> {
  const { spiffeId, ttlSeconds } = subject;
  const privateKey = await makePrivateKey(keyType);
  try {
    const request = { spiffeId, makeCsr: async () => makeCsr(spiffeId, privateKey), keyType, ttlSeconds };
    const issued = await issuer.issue(request, new AbortController().signal);
    const { identity, warnings } = verifyIssued(issued, { spiffeId, privateKey }, ports.clock.nowMs());
    return { identity, tolerated: warnings };
  } catch (thrown) {
    const { code, detail } = AgentError.from(thrown);
    const demanded = KEY_TYPES.find((type) => type === detail && type !== keyType);
    if (code !== 'ERR_KEY_TYPE' || demanded === undefined || subject.keyType !== undefined) throw thrown;
    return issueOnce(issuer, subject, demanded, ports);
  }
}

function judge(identity: Identity, tolerated: readonly string[], warnings: readonly Warning[]): Outcome<true> {
  const life = formatDuration((identity.notAfter.getTime() - identity.issuedAt.getTime()) / 1000);
  const cause = `${identity.spiffeId}, serial ${identity.serialNumber}, for ${life}`;
  const told = [...tolerated, ...warnings.map(({ event }) => event)];
  if (told.length === 0) return { verdict: 'pass', cause: `${cause}, issued and verified`, value: true };
  const remedies = warnings.map(({ remedy }) => remedy).filter((remedy) => remedy !== undefined);
  const remedy = remedies.length === 0 ? undefined : remedies.join('; ');
  return { verdict: 'warn', cause: `${cause}: ${told.join('; ')}`, remedy, value: true };
}
