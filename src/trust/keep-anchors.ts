import { X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Anchor, TrustBundle } from './trust-bundle.ts';

/** As `..data` beside it: no file of a user's choosing begins with two dots. */
const FILE_NAME = '..trust.json';

export interface KeepAnchorsPorts {
  readonly trust: TrustBundle;
  /** Where files are delivered to; undefined: nowhere, and nothing is kept. */
  readonly directory: () => string | undefined;
  readonly trustDomain: () => string;
  /** How long leaves of a backend live, in milliseconds. */
  readonly lifetimeMs: (backend: string) => number;
  /** Whether the Mesh has this backend now. */
  readonly isConfigured: (backend: string) => boolean;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Pick<Log, 'warn'>;
}

/**
 * Keeps the anchors beside the delivered files, for the next run: an agent that starts again right after a CA was changed
 * would not know the one before, and refuse peers that still have leaves under it. Public certificates and times, nothing else.
 */
export interface AnchorsKeeper {
  /** Gives the bundle what the run before had, once, before anything is learned. What cannot be used is told, and is nothing. */
  restore(): void;
  /** Writes what the bundle has now, if it is not written yet. A failure is told, and tried again by the next call. */
  save(): void;
}

export function openAnchorsKeeper(ports: KeepAnchorsPorts): AnchorsKeeper {
  const { trust, directory, trustDomain, clock, log } = ports;
  let isRestored = false;
  let written: string | undefined;
  let told: string | undefined;

  function restore(): void {
    if (isRestored) return;
    isRestored = true;
    const path = findPath();
    if (path === undefined) return;
    try {
      trust.restore(parseAnchors(readFileSync(path, 'utf8'), trustDomain()).map(retire));
      trust.forget(clock.nowMs());
    } catch (thrown) {
      const { code: error } = thrown as NodeJS.ErrnoException;
      if (error !== 'ENOENT') log.warn('the CAs that an earlier run kept cannot be used', { path, error });
    }
  }

  /** When it went away, nobody saw: it counts as now. */
  function retire({ lifetimeMs, ...anchor }: KeptAnchor): Anchor {
    if (ports.isConfigured(anchor.backend)) return anchor;
    return { ...anchor, leavesAtMs: anchor.leavesAtMs ?? clock.nowMs() + lifetimeMs };
  }

  function findPath(): string | undefined {
    const found = directory();
    return found && join(found, FILE_NAME);
  }

  return {
    restore,
    save() {
      restore();
      const path = findPath();
      const text = renderAnchors(trust.anchors(), trustDomain(), ports.lifetimeMs);
      if (path === undefined || written === path + text) return;
      try {
        writeFileSync(`${path}.new`, text);
        renameSync(`${path}.new`, path);
        written = path + text;
        told = undefined;
      } catch (thrown) {
        const { code: error } = thrown as NodeJS.ErrnoException;
        if (told !== error) log.warn('the CAs that peers are verified against cannot be kept', { path, error });
        told = error;
      }
    },
  };
}

interface KeptAnchor extends Anchor {
  readonly lifetimeMs: number;
}

function renderAnchors(
  anchors: readonly Anchor[],
  trustDomain: string,
  lifetimeMs: KeepAnchorsPorts['lifetimeMs'],
): string {
  const rows = anchors.map(({ certificate, ...anchor }) => {
    return { ...anchor, lifetimeMs: lifetimeMs(anchor.backend), certificate: certificate.toString('base64') };
  });
  return `${JSON.stringify({ trustDomain, anchors: rows }, undefined, 1)}\n`;
}

/** @returns none when they are those of another trust domain. @throws Error when they are not what was written. */
function parseAnchors(text: string, trustDomain: string): KeptAnchor[] {
  const kept = JSON.parse(text) as {
    readonly trustDomain?: unknown;
    readonly anchors: readonly Readonly<Record<string, unknown>>[];
  };
  if (kept.trustDomain !== trustDomain) return [];
  return kept.anchors.map(({ backend, certificate, sinceMs, lifetimeMs, leavesAtMs }) => {
    const { ca, raw } = new X509Certificate(Buffer.from(String(certificate), 'base64'));
    const times = [sinceMs, lifetimeMs, leavesAtMs ?? 0];
    if (!ca || typeof backend !== 'string' || !times.every(Number.isFinite)) throw new Error('it holds what is no CA');
    return { backend, certificate: raw, sinceMs, lifetimeMs, leavesAtMs } as KeptAnchor;
  });
}
