import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** A folder of its own with a path short enough for Unix sockets, unlike those of `t.testdir`. */
export function temporaryDirectory(t: Pick<Test, 'teardown'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'meshcert-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
