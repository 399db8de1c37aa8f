import { formatDuration } from '../../format-duration.ts';
import type { CaDescription } from '../../issuer/acmpca/private-ca.ts';
import { chooseEnd } from '../../issuer/acmpca/validity.ts';
import type { Outcome } from '../examination.ts';

/** Renewing a CA takes people, and every peer has to trust a new root first. */
const NOTICE_SECONDS = 30 * 86_400;

/** Whether the CA can issue, and for as long as is asked. */
export function judgeDescription(
  description: CaDescription,
  ttlSeconds: number,
  nowMs: number,
  arn: string,
): Outcome<true> {
  const { status, notAfterMs, signingAlgorithm } = description;
  if (status !== 'ACTIVE') {
    const isDisabled = status === 'DISABLED';
    const command = `aws acm-pca update-certificate-authority --certificate-authority-arn ${arn} --status ACTIVE`;
    return {
      verdict: 'fail',
      cause: `the CA is ${status}, and issues nothing`,
      remedy: isDisabled ? 'enable it' : 'bring it into the state ACTIVE, or name another in conf.arn',
      ...(isDisabled && { command }),
    };
  }
  const leftSeconds = notAfterMs === undefined ? Number.POSITIVE_INFINITY : (notAfterMs - nowMs) / 1000;
  if (leftSeconds <= 0) {
    return { verdict: 'fail', cause: 'the CA has expired', remedy: 'renew it, and give a new root to all peers' };
  }
  const { cappedBy } = chooseEnd(ttlSeconds, description, nowMs);
  const asked = formatDuration(ttlSeconds);
  if (cappedBy === 'mode') {
    return {
      verdict: 'warn',
      cause: `the CA issues for 7 days at most, and ${asked} are asked for`,
      remedy: 'lower dpCert.rotation.expiration to less than 7d, so that it says what will be',
      value: true,
    };
  }
  const left = formatDuration(leftSeconds);
  if (cappedBy === 'ca' || leftSeconds < ttlSeconds + NOTICE_SECONDS) {
    return {
      verdict: 'warn',
      cause: `the CA ends in ${left}${cappedBy === 'ca' ? `, before a certificate of ${asked} would` : ''}`,
      remedy: 'renew it now, as every peer has to trust a new root first',
      value: true,
    };
  }
  const end = Number.isFinite(leftSeconds) ? `, ends in ${left}` : '';
  return { verdict: 'pass', cause: `the CA is ACTIVE and signs with ${signingAlgorithm}${end}`, value: true };
}
