import type { KeyObject } from 'node:crypto';
import { AgentError } from '../errors.ts';
import type { Certificate } from '../identity/certificate.ts';
import type { CaChain } from './ca-material.ts';
import { CA_RULES, type CaRule, type Subject } from './ca-rules.ts';

export interface CaCheck {
  readonly rule: CaRule;
  readonly outcome: 'pass' | 'warn' | 'fail';
  /** Counted from 1, in the order of the chain. */
  readonly certificate: number;
  /** What was found, as half a sentence about the certificate. */
  readonly message: string;
}

/**
 * Checks a CA's chain, and its key where it is at hand, against every rule.
 *
 * @returns what each rule found, by certificate and then in the order of the rules.
 */
export function checkCa(chain: CaChain, privateKey: KeyObject | undefined, nowMs: number): CaCheck[] {
  return chain.flatMap((certificate, index) => {
    const subject: Subject = { certificate, chain, index, privateKey, nowMs };
    return CA_RULES.filter(({ appliesTo }) => appliesTo?.(subject) ?? true).map(({ rule, broken, kept, complain }) => {
      const complaint = complain(subject);
      const outcome = complaint === undefined ? 'pass' : broken;
      return { rule, outcome, certificate: index + 1, message: complaint ?? kept };
    });
  });
}

/**
 * @param what for messages: `the CA of backend "ca-1"`.
 * @param remedy what to do when it cannot be used.
 * @returns what should be mended, a sentence each.
 * @throws AgentError `ERR_SOURCE` when a rule is broken that must not be; its `detail` is the {@link CaRule}.
 */
export function requireCa(
  chain: CaChain,
  privateKey: KeyObject | undefined,
  nowMs: number,
  what: string,
  remedy: string,
): string[] {
  const checks = checkCa(chain, privateKey, nowMs);
  const say = ({ certificate, message }: CaCheck) =>
    `certificate ${certificate} (${nameCertificate(chain[certificate - 1])}) ${message}`;
  const [broken, ...more] = checks.filter(({ outcome }) => outcome === 'fail');
  if (broken !== undefined) {
    const others = more.length === 0 ? '' : `, and ${more.length} more`;
    throw new AgentError('ERR_SOURCE', `${what} cannot be used: ${say(broken)}${others}`, {
      remedy,
      detail: broken.rule,
    });
  }
  return checks.filter(({ outcome }) => outcome === 'warn').map((check) => `${what}: ${say(check)}`);
}

/** The common name, or all of the subject on one line, or the serial number. */
export function nameCertificate(certificate: Certificate | undefined): string {
  if (certificate === undefined) return '?';
  const { subject = '', serialNumber } = certificate.x509;
  const [, commonName] = /^CN=(.*)$/m.exec(subject) ?? [];
  return (commonName ?? (subject.replaceAll('\n', ', ') || serialNumber)).slice(0, 100);
}
