import type { SetupStep } from '../step.ts';
import type { VaultAdmin } from './vault-admin.ts';

/** One thing that Vault needs, in both forms: to be read as a script, and to be done over the API. */
export interface Step extends SetupStep<VaultAdmin> {
  /** Why, for whoever reads the script. One line each. */
  readonly why: readonly string[];
  /** Commands for a POSIX shell that leave alone what is there; with `force`, that bring it in line. */
  script(force: boolean): string;
}

/** A guard: the commands run only when the path cannot be read. */
export function unlessReadable(path: string, commands: string): string {
  return `vault read ${path} >/dev/null 2>&1 ||\n  ${commands.replaceAll('\n', '\n  ')}`;
}
