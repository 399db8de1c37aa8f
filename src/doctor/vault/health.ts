import { reachedAt, type VaultAnswer } from '../../issuer/vault/client.ts';
import { asRecord, asString } from '../../issuer/vault/json.ts';
import { explainStatus } from '../../issuer/vault/status-errors.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import { formatDuration } from '../format-duration.ts';
import type { DoctorPorts } from '../ports.ts';
import { openContact } from './contact.ts';
import type { VaultSubject } from './subject.ts';

/** Roles back-date certificates by 30 s unless they say otherwise, so a clock that is further behind refuses them. */
const BACKDATED_SECONDS = 30;
const NOTABLE_SKEW_SECONDS = 5;

/** Whether Vault serves (GET sys/health), and what its clock shows. */
export async function checkHealth(
  examination: Examination,
  subject: VaultSubject,
  reached: Checked<true>,
  ports: DoctorPorts,
): Promise<Checked<true>> {
  const address = reachedAt(subject.vault);
  const health = await examination.check('health', [reached], async (): Promise<Outcome<VaultAnswer>> => {
    const contact = await openContact(subject, ports);
    try {
      const call = { method: 'GET', path: 'sys/health', ignoresNamespace: true } as const;
      const answer = await contact.ask({ ...call, purpose: 'asking for its health' });
      return { ...judgeHealth(answer, address), value: answer };
    } finally {
      contact.close();
    }
  });
  await examination.check('clock', [health], ({ clockSkewSeconds }) =>
    judgeClock(clockSkewSeconds, subject.ttlSeconds),
  );
  return { ...health, value: isServing(health.value) ? true : undefined };
}

/** Standbys pass requests on, or send us to the active node; whether that works is seen by what follows. */
function isServing(answer: VaultAnswer | undefined): boolean {
  return answer !== undefined && [200, 429, 473].includes(answer.status);
}

function judgeHealth(answer: VaultAnswer, address: string): Outcome<never> {
  const version = asString(asRecord(answer.body).version);
  if (version === undefined && answer.status < 300) {
    return {
      verdict: 'fail',
      cause: `what answers at ${address} is not Vault`,
      remedy: 'check conf.fromCp.address',
    };
  }
  switch (answer.status) {
    case 200:
      return { verdict: 'pass', cause: `Vault ${version}, unsealed and active` };
    case 429:
    case 473:
      return { verdict: 'pass', cause: `Vault ${version}, unsealed, a standby` };
    case 501:
      return { verdict: 'fail', cause: 'Vault was never initialised', command: 'vault operator init' };
    case 503:
      return {
        verdict: 'fail',
        cause: 'Vault is sealed: it can read nothing that it stores',
        remedy: 'unseal it, once for each key share that it asks for',
        command: 'vault operator unseal',
      };
    default: {
      const { message, remedy } = explainStatus(answer, address, 'asking for its health');
      return { verdict: 'fail', cause: message, remedy };
    }
  }
}

/** @param skewSeconds Vault's clock minus ours. */
function judgeClock(skewSeconds: number | undefined, ttlSeconds: number): Outcome<true> {
  if (skewSeconds === undefined) return { verdict: 'skip', cause: 'the answer had no date', value: true };
  const direction = skewSeconds > 0 ? 'behind' : 'ahead of';
  const cause = `our clock is ${formatDuration(Math.abs(skewSeconds))} ${direction} that of Vault`;
  const remedy = 'have both set their clocks by NTP';
  if (skewSeconds >= BACKDATED_SECONDS) {
    return { verdict: 'fail', cause: `${cause}: new certificates are not valid yet for us`, remedy, value: true };
  }
  if (-skewSeconds >= ttlSeconds) {
    return { verdict: 'fail', cause: `${cause}: new certificates have expired for us already`, remedy, value: true };
  }
  if (Math.abs(skewSeconds) >= NOTABLE_SKEW_SECONDS) return { verdict: 'warn', cause, remedy, value: true };
  return { verdict: 'pass', cause: 'the clocks agree to some seconds', value: true };
}
