import { resolve } from 'node:path';
import { holdsPrivateKey, readCaChain, readCaKey } from '../ca/ca-material.ts';
import { type CaCheck, checkCa, nameCertificate } from '../ca/check-ca.ts';
import { describeKey, readPublicKey } from '../ca/signing-algorithm.ts';
import { systemClock } from '../clock.ts';
import { openDataSources } from '../data-source.ts';
import type { Edge, ExitCode } from './edge.ts';

export interface CaCheckOptions {
  /** Files, PEM. */
  readonly certificate: string;
  /** Undefined: it may stand beside the certificate; if not, it is not looked at. */
  readonly key: string | undefined;
  readonly output: 'text' | 'json';
}

/** One certificate of the chain, for people and programs. */
interface CheckedCertificate {
  readonly subject: string;
  readonly key: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly checks: readonly Pick<CaCheck, 'rule' | 'outcome' | 'message'>[];
}

/**
 * Prints what each rule says about a CA.
 *
 * @returns 1 when a rule is broken that must not be.
 * @throws AgentError `ERR_SOURCE` when a file cannot be read.
 */
export async function checkCaFiles(
  { certificate, key, output }: CaCheckOptions,
  edge: Pick<Edge, 'currentDirectory' | 'writeOut'>,
  clock: Pick<typeof systemClock, 'nowMs'> = systemClock,
): Promise<ExitCode> {
  const readSource = openDataSources(edge.currentDirectory);
  const read = (file: string) => readSource({ kind: 'file', path: resolve(edge.currentDirectory, file) });
  const certificatePem = await read(certificate);
  const chain = readCaChain(certificatePem, certificate);
  const keyFile = key ?? (holdsPrivateKey(certificatePem) ? certificate : undefined);
  const privateKey = keyFile === undefined ? undefined : readCaKey(await read(keyFile), keyFile);

  const checks = checkCa(chain, privateKey, clock.nowMs());
  const certificates = chain.map((one, index): CheckedCertificate => {
    return {
      subject: nameCertificate(one),
      key: describeKey(readPublicKey(one)),
      notBefore: one.x509.validFromDate.toISOString(),
      notAfter: one.x509.validToDate.toISOString(),
      checks: checks
        .filter((check) => check.certificate === index + 1)
        .map(({ rule, outcome, message }) => ({ rule, outcome, message })),
    };
  });
  const ok = checks.every(({ outcome }) => outcome !== 'fail');
  edge.writeOut(output === 'json' ? `${JSON.stringify({ ok, certificates }, undefined, 2)}\n` : render(certificates));
  return ok ? 0 : 1;
}

function render(certificates: readonly CheckedCertificate[]): string {
  const lines = certificates.flatMap(({ subject, key, notAfter, checks }, index) => [
    `certificate ${index + 1}: ${subject}, ${key}, until ${notAfter}`,
    ...checks.map(({ outcome, message }) => `  ${outcome === 'fail' ? 'FAIL' : outcome}  ${message}`),
  ]);
  const all = certificates.flatMap(({ checks }) => checks);
  const count = (wanted: CaCheck['outcome']) => all.filter(({ outcome }) => outcome === wanted).length;
  const verdict = count('fail') === 0 ? 'can be used' : 'cannot be used';
  return [...lines, `${verdict}: ${count('pass')} pass, ${count('warn')} warn, ${count('fail')} fail`, ''].join('\n');
}
