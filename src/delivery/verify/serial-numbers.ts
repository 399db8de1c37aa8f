/** What a target serves now, as far as it can be told. */
export interface Look {
  /** Hexadecimal in any case, in any order. Empty: no certificate, for the reason in `trouble`. */
  readonly serialNumbers: readonly string[];
  /** Why nothing is known, in a few words: `connection refused`. */
  readonly trouble?: string;
}

/** Whether one of them is this serial number. Programs differ in case, in colons and in zeros at the beginning. */
export function isServed(serialNumber: string, { serialNumbers }: Look): boolean {
  const wanted = normalize(serialNumber);
  return serialNumbers.some((one) => normalize(one) === wanted);
}

/** What is there instead, in a few words. */
export function describeLook({ serialNumbers, trouble }: Look): string {
  if (trouble !== undefined) return trouble;
  const shown = serialNumbers.slice(0, 3).map((one) => normalize(one));
  if (shown.length === 0) return 'it serves no certificate';
  const more = serialNumbers.length > shown.length ? `, and ${serialNumbers.length - shown.length} more` : '';
  return `it serves ${shown.join(', ')}${more}`;
}

function normalize(serialNumber: string): string {
  return serialNumber
    .replace(/[^0-9A-Fa-f]/g, '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase();
}
