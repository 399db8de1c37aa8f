import type { SdsObserver } from '../../src/delivery/sds/sds.ts';

/** Counts what the secret discovery service tells of its clients. */
export function openCountingSdsObserver(): SdsObserver & { readonly counts: { streams: number; rejections: number } } {
  const counts = { streams: 0, rejections: 0 };
  return {
    counts,
    streamOpened() {
      counts.streams += 1;
    },
    streamClosed() {
      counts.streams -= 1;
    },
    rejected() {
      counts.rejections += 1;
    },
  };
}
