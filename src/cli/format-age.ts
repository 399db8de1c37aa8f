import { formatDuration } from '../format-duration.ts';

/** A time that has passed or is left, in its two largest units: `42s`, `5m30s`, `3h12m`, `24d`. What is over is `0s`. */
export function formatAge(ms: number): string {
  return formatDuration(Math.max(0, ms / 1000));
}
