/**
 * How the certificate of a webhook changes without a call that fails: the CA of the next one is published first, the next
 * one is served when that is known, and the CA of the one before stays published until it ends. All replicas follow the
 * one state that is stored. Pure.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { BACKDATE_MS } from '../ca/certificate-authority.ts';
import { derToPem, pemToDer } from '../identity/pem.ts';
import type { ServingPair } from './make-pair.ts';

/** What replicas share. PEM. */
export interface StoredCertificates {
  /** What is served. */
  readonly certificate: string;
  readonly key: string;
  /** Every CA that clients are to know, the newest first. */
  readonly cas: string;
  readonly next: NextPair | undefined;
}

export interface NextPair {
  readonly certificate: string;
  readonly key: string;
  /** When it may be served, Unix milliseconds: until then its CA gets around. */
  readonly fromMs: number;
}

export type Step =
  /** Nothing there can be served: serve another one at once. */
  | { readonly kind: 'make' }
  /** Store the next one, and publish its CA. */
  | { readonly kind: 'prepare' }
  /** Serve the next one. */
  | { readonly kind: 'switch' }
  | { readonly kind: 'keep'; readonly untilMs: number };

/** Of its life: then the next one is made. */
const RENEWAL_SHARE = 4 / 5;
/** API servers know a published CA in less than a second; this is for those that do not. */
const MAX_SPREAD_MS = 60_000;

export interface PlanContext {
  readonly nowMs: number;
  /** That the certificate has to have. */
  readonly hosts: readonly string[];
  /** Whether clients were given `cas` as they are stored. */
  readonly isPublished: boolean;
}

export function planStep(stored: StoredCertificates | undefined, { nowMs, hosts, isPublished }: PlanContext): Step {
  const current = stored && readUsable(stored, hosts);
  if (stored === undefined || current === undefined) return { kind: 'make' };
  const isOver = nowMs >= current.endsMs;
  if (stored.next !== undefined) {
    if (isOver || (nowMs >= stored.next.fromMs && isPublished)) {
      return readUsable(stored.next, hosts) === undefined ? { kind: 'make' } : { kind: 'switch' };
    }
    return { kind: 'keep', untilMs: Math.max(stored.next.fromMs, nowMs + 1000) };
  }
  if (isOver) return { kind: 'make' };
  const dueMs = current.beginsMs + (current.endsMs - current.beginsMs) * RENEWAL_SHARE;
  return nowMs >= dueMs ? { kind: 'prepare' } : { kind: 'keep', untilMs: dueMs };
}

/** The state after a step that made a pair, or needed none. */
export function takeStep(
  step: 'make' | 'prepare' | 'switch',
  stored: StoredCertificates | undefined,
  pair: ServingPair | undefined,
  { nowMs, ttlSeconds }: { readonly nowMs: number; readonly ttlSeconds: number },
): StoredCertificates {
  const cas = [pair?.ca ?? '', ...keepValid(stored?.cas ?? '', nowMs)].join('');
  if (step === 'switch' && stored?.next !== undefined) {
    const { certificate, key } = stored.next;
    return { certificate, key, cas, next: undefined };
  }
  if (pair === undefined) throw new RangeError(`a step "${step}" without a pair`);
  const { certificate, key } = pair;
  if (step === 'make' || stored === undefined) return { certificate, key, cas, next: undefined };
  const fromMs = nowMs + Math.min(MAX_SPREAD_MS, (ttlSeconds * 1000) / 20);
  return { ...stored, cas, next: { certificate, key, fromMs } };
}

/** When it is valid, Unix milliseconds; undefined for text that is no certificate. */
export function readValidity(certificate: string): { notBeforeMs: number; notAfterMs: number } | undefined {
  try {
    const { validFromDate, validToDate } = new X509Certificate(certificate);
    return { notBeforeMs: validFromDate.getTime(), notAfterMs: validToDate.getTime() };
  } catch {
    return undefined;
  }
}

function readUsable({ certificate, key }: Pick<ServingPair, 'certificate' | 'key'>, hosts: readonly string[]) {
  try {
    const x509 = new X509Certificate(certificate);
    const hasHosts = hosts.every((host) => (isIP(host) > 0 ? x509.checkIP(host) : x509.checkHost(host)));
    if (!hasHosts || !x509.checkPrivateKey(createPrivateKey(key))) return undefined;
    return { beginsMs: x509.validFromDate.getTime() + BACKDATE_MS, endsMs: x509.validToDate.getTime() };
  } catch {
    // Somebody's hand: make another one.
    return undefined;
  }
}

function keepValid(cas: string, nowMs: number): string[] {
  const pems = pemToDer('CERTIFICATE', cas).map((der) => derToPem('CERTIFICATE', der));
  return pems.filter((pem) => (readValidity(pem)?.notAfterMs ?? 0) > nowMs);
}
