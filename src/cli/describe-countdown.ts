import type { Status } from '../observe/status.ts';
import { formatAge } from './format-age.ts';

/** One line: what is in service, until when, and what is in the way of the next. */
export function describeCountdown(
  { spiffeId, backend, certificate, regenerations, ca, lastError, ready }: Status,
  nowMs: number,
): string {
  if (backend === undefined) return `${spiffeId}: mTLS is off`;
  const inTime = (moment: string) => `in ${formatAge(Date.parse(moment) - nowMs)}`;
  const parts: string[] = [];
  if (certificate === undefined) {
    parts.push(regenerations === 0 ? 'no certificate yet' : 'certificate expired');
  } else {
    const { generation, rotatesAt, notAfter } = certificate;
    const rotates = Date.parse(rotatesAt) > nowMs ? `rotates ${inTime(rotatesAt)}` : 'rotates now';
    parts.push(`generation ${generation}`, rotates, `expires ${inTime(notAfter)}`);
    if (!ready) parts.push('not delivered');
  }
  if (lastError?.retryAt !== undefined) parts.push(`${lastError.code}, tries again ${inTime(lastError.retryAt)}`);
  else if (ca.state !== 'Connected' && regenerations > 0) parts.push('CA unknown');
  return `${spiffeId}: ${parts.join(', ')}`;
}
