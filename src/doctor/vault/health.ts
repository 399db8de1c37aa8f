import { formatDuration } from '../../format-duration.ts';
import { reachedAt, type VaultAnswer } from '../../issuer/vault/client.ts';
import { asRecord, asString } from '../../issuer/vault/json.ts';
import { explainStatus } from '../../issuer/vault/status-errors.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { Contact } from './contact.ts';
import type { VaultSubject } from './subject.ts';

/** Roles back-date certificates by 30 s unless they say otherwise, so a clock that is further behind refuses them. */
const BACKDATED_SECONDS = 30;
const NOTABLE_SKEW_SECONDS = 5;

interface Health {
  readonly answer: VaultAnswer;
  readonly isServing: boolean;
}

/** Whether Vault serves (GET sys/health), and what its clock shows. */
export async function checkHealth(
  examination: Examination,
  subject: VaultSubject,
  reached: Checked<true>,
  { ask }: Contact,
): Promise<Checked<true>> {
  const address = reachedAt(subject.vault);
  const health = await examination.check('health', [reached], async (): Promise<Outcome<Health>> => {
    const call = { method: 'GET', path: 'sys/health', ignoresNamespace: true } as const;
    const answer = await ask({ ...call, purpose: 'asking for its health' });
    const found = judgeHealth(answer, address);
    return { ...found, value: { answer, isServing: found.verdict !== 'fail' } };
  });
  await examination.check('clock', [health], ({ answer: { clockSkewSeconds } }) =>
    judgeClock(clockSkewSeconds, subject.ttlSeconds),
  );
  return { ...health, value: health.value?.isServing ? true : undefined };
}

function judgeHealth(answer: VaultAnswer, address: string): Outcome<never> {
  const version = asString(asRecord(answer.body).version);
  if (version === undefined && answer.status < 300) {
    return { verdict: 'fail', cause: `what answers at ${address} is not Vault`, remedy: 'check conf.fromCp.address' };
  }
  switch (answer.status) {
    case 200:
      return { verdict: 'pass', cause: `Vault ${version}, unsealed and active` };
    case 429:
    case 473:
      // It passes requests on, or sends us to the active node; whether that works is seen by what follows.
      return { verdict: 'pass', cause: `Vault ${version}, unsealed, a standby` };
    case 403:
    case 404:
    case 405:
      return {
        verdict: 'warn',
        cause: `the health of Vault is hidden from us (${answer.status}), so that its troubles cannot be told apart`,
        remedy: 'let GET /v1/sys/health through, or check conf.fromCp.address',
      };
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
