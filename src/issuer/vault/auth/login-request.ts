/**
 * What every way to log in (Vault, "Auth Methods") gives to the code that asks: a file beside this one for each.
 *
 * @module
 */

export interface LoginRequest {
  readonly body: Readonly<Record<string, unknown>>;
  /** Not to be repeated, wherever Vault quotes them. */
  readonly secrets: readonly string[];
  /** What Vault may say to this request, the first that fits counts. */
  readonly refusals: readonly LoginRefusal[];
}

export interface LoginRefusal {
  /** Found in what Vault complains of. */
  readonly pattern: RegExp;
  readonly why: string;
  /** As an instruction. */
  readonly remedy: string;
}

/** What Vault says alike for a path that is not there and for a login that it does not want. */
export function refuseAsDenied(what: string, mountPath: string, checks: string): LoginRefusal {
  return {
    pattern: /permission denied/,
    why: `${mountPath} does not believe ${what}, or is not there`,
    remedy: `check that ${mountPath} exists (vault auth list), ${checks}`,
  };
}
