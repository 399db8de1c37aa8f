import type { Status } from '../observe/status.ts';
import { formatAge } from './format-age.ts';

type Column = readonly [title: string, cell: (status: Status, nowMs: number) => string];

/** The columns that `kumactl inspect dataplanes` has for certificates, with its words for "none", then ours. */
const COLUMNS: readonly Column[] = [
  ['MESH', ({ mesh }) => mesh],
  ['NAME', ({ name }) => name],
  [
    'CERT REGENERATED AGO',
    ({ lastRegeneration }, nowMs) =>
      lastRegeneration === undefined ? 'never' : formatAge(nowMs - Date.parse(lastRegeneration)),
  ],
  ['CERT EXPIRATION', describeExpiration],
  ['CERT REGENERATIONS', ({ regenerations }) => String(regenerations)],
  ['CERT BACKEND', ({ certificate }) => certificate?.backend ?? '-'],
  ['SUPPORTED CERT BACKENDS', ({ supportedBackends }) => supportedBackends.join(',') || '-'],
  [
    'ROTATES IN',
    ({ certificate }, nowMs) =>
      certificate === undefined ? '-' : formatAge(Date.parse(certificate.rotatesAt) - nowMs),
  ],
  ['CA HEALTH', ({ backend, ca }) => (backend === undefined ? '-' : ca.state)],
  ['LAST ERROR', describeError],
];

/** One line per agent under one of titles; as `kumactl` lays it out. */
export function renderTable(statuses: readonly Status[], nowMs: number): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...statuses.map((status) => COLUMNS.map(([, cell]) => cell(status, nowMs))),
  ];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function describeExpiration({ certificate, regenerations }: Status): string {
  if (certificate !== undefined) return certificate.notAfter.replace(/\.\d+Z$/, 'Z');
  return regenerations === 0 ? '-' : 'expired';
}

/** What is in the way in full; what was overcome in short. */
function describeError({ lastError }: Status, nowMs: number): string {
  if (lastError === undefined) return '-';
  if (lastError.retryAt !== undefined) return lastError.line;
  return `${lastError.code}, overcome (${formatAge(nowMs - Date.parse(lastError.at))} ago)`;
}
