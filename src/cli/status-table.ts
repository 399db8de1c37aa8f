import type { Status } from '../observe/status.ts';
import { formatAge } from './format-age.ts';
import { layOutTable } from './lay-out-table.ts';

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

export const STATUS_TITLES: readonly string[] = COLUMNS.map(([title]) => title);

/** One cell for each title. */
export function describeInCells(status: Status, nowMs: number): string[] {
  return COLUMNS.map(([, cell]) => cell(status, nowMs));
}

/** One line per agent under one of titles. */
export function renderTable(statuses: readonly Status[], nowMs: number): string {
  return layOutTable([STATUS_TITLES, ...statuses.map((status) => describeInCells(status, nowMs))]);
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
