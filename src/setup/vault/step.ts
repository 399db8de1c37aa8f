import type { VaultAdmin } from './vault-admin.ts';

/** What is there now. */
export type Found =
  | { readonly state: 'absent' }
  | { readonly state: 'as wanted' }
  /** It is there, and is not as we would make it: a line for each difference. */
  | { readonly state: 'differs'; readonly differences: readonly string[] }
  /** It was begun, and goes on when somebody else has done something; `make` tells again what. */
  | { readonly state: 'waits'; readonly forWhat: string };

/** One thing that Vault needs, in both forms: to be read as a script, and to be done over the API. */
export interface Step {
  /** `role kuma-pki-default/roles/dataplanes` */
  readonly what: string;
  /** Why, for whoever reads the script. One line each. */
  readonly why: readonly string[];
  /** Commands for a POSIX shell that leave alone what is there; with `force`, that bring it in line. */
  script(force: boolean): string;
  look(admin: VaultAdmin): Promise<Found>;
  /** Whether `make` brings in line what is there and differs; else somebody has to take that away first. */
  readonly canChange: boolean;
  /** Makes it, or brings it in line. @returns what has to be told to a person, if anything. */
  make(admin: VaultAdmin): Promise<string | undefined>;
}

/** A guard: the commands run only when the path cannot be read. */
export function unlessReadable(path: string, commands: string): string {
  return `vault read ${path} >/dev/null 2>&1 ||\n  ${commands.replaceAll('\n', '\n  ')}`;
}
