import { AgentError } from '../../errors.ts';
import { requireActive } from '../../issuer/acmpca/ca-record.ts';
import { chooseEnd } from '../../issuer/acmpca/validity.ts';
import type { Done } from '../step.ts';
import type { CaAdmin, FoundCa } from './ca-admin.ts';
import { planNewCa } from './new-ca.ts';
import type { SetupSubject } from './subject.ts';

export interface Settled {
  readonly done: Done;
  /** Of the CA that the rights are for. Undefined: which one that is has to be decided first. */
  readonly arn: string | undefined;
}

/**
 * Looks at the CA. Where there is none, and one is wanted, it is made: a root that the next run finds again by its name, since
 * AWS charges for each by the month. One that was made by half is gone on with.
 *
 * @throws AgentError
 */
export async function settleCa(
  subject: SetupSubject,
  makesCa: boolean,
  admin: CaAdmin,
  nowMs: number,
): Promise<Settled> {
  const { arn, region } = subject.acmpca;
  const configured = await admin.find(arn);
  if (configured !== undefined) return settleFound(configured, subject, makesCa, admin, nowMs);
  if (!makesCa) {
    const note = `there is no such CA in ${region}; set conf.arn, or let one be made with --new-ca: AWS charges for it by the month`;
    return { done: { what: `CA ${arn}`, result: 'waits', notes: [note] }, arn: undefined };
  }
  const wanted = planNewCa(subject);
  const known = (await admin.list()).filter(({ isRoot, commonName }) => isRoot && commonName === wanted.commonName);
  if (known.length > 1) {
    const notes = [`there are ${known.length} of them, set conf.arn to one`, ...known.map((one) => one.arn)];
    return { done: { what: `CA "${wanted.commonName}" in ${region}`, result: 'waits', notes }, arn: undefined };
  }
  const [found] = known;
  if (found !== undefined) return settleFound(found, subject, makesCa, admin, nowMs);
  const made = await admin.create(wanted);
  await admin.install({ arn: made, signingAlgorithm: wanted.signingAlgorithm }, wanted);
  return { done: { what: `CA ${made}`, result: 'made', notes: sayWhereToPut(made, subject) }, arn: made };
}

async function settleFound(
  found: FoundCa,
  subject: SetupSubject,
  makesCa: boolean,
  admin: CaAdmin,
  nowMs: number,
): Promise<Settled> {
  const { arn, status, isRoot } = found;
  const what = `CA ${arn}`;
  const notes = sayWhereToPut(arn, subject);
  if (makesCa && isRoot && (status === 'CREATING' || status === 'PENDING_CERTIFICATE')) {
    await admin.install(found, planNewCa(subject));
    return { done: { what, result: 'made', notes }, arn };
  }
  try {
    requireActive(found, nowMs);
  } catch (thrown) {
    return { done: { what, result: 'waits', notes: [...notes, AgentError.from(thrown).line] }, arn };
  }
  return { done: { what, result: 'unchanged', notes: [...notes, ...sayWhatShortens(found, subject, nowMs)] }, arn };
}

function sayWhereToPut(arn: string, { acmpca }: SetupSubject): string[] {
  return arn === acmpca.arn ? [] : [`put this into the Mesh as conf.arn: ${arn}`];
}

/** It issues all the same, so this is for the reader to decide on. */
function sayWhatShortens(found: FoundCa, { ttlSeconds }: SetupSubject, nowMs: number): string[] {
  const { cappedBy } = chooseEnd(ttlSeconds, found, nowMs);
  if (cappedBy === 'mode') {
    return ['it issues for 7 days at most, which is less than dpCert.rotation.expiration; its mode cannot be changed'];
  }
  return cappedBy === 'ca' ? ['it ends before a certificate of dpCert.rotation.expiration would; renew it'] : [];
}
