const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A duration in its two largest units: `42s`, `5m30s`, `3h12m`, `24d`. */
export function formatAge(ms: number): string {
  let seconds = Math.max(0, Math.floor(ms / 1000));
  const largest = UNITS.findIndex(([, size]) => seconds >= size);
  if (largest === -1) return '0s';
  let text = '';
  for (const [unit, size] of UNITS.slice(largest, largest + 2)) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}
