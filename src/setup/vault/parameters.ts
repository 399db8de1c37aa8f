import { quoteForShell } from '../../issuer/vault/shell.ts';
import { type Step, unlessReadable } from './step.ts';
import type { VaultData } from './vault-admin.ts';

export type Value = string | number | boolean | readonly string[];

export interface Parameters {
  readonly what: string;
  readonly why: readonly string[];
  /** Read and written there: `PKI/roles/ROLE`. */
  readonly path: string;
  readonly values: Readonly<Record<string, Value>>;
  /** The values are a guess of ours, so whatever is there already is as wanted. */
  readonly isGuess?: boolean;
  /** How the script gets at values that are too long for it: `@/path/of/file`. */
  readonly inScript?: Readonly<Record<string, string>>;
  /** Written too, but never shown by Vault; and how the script gets at them: `@/path/of/file`. */
  readonly hidden?: Readonly<Record<string, { readonly value: string; readonly script: string }>>;
}

/** Something that is written as named values: roles and configurations. */
export function parametersStep({ what, why, path, values, isGuess, inScript = {}, hidden = {} }: Parameters): Step {
  const words = [
    ...Object.entries(values).map(([name, value]) => `${name}=${quoteForShell(inScript[name] ?? render(value))}`),
    ...Object.entries(hidden).map(([name, { script }]) => `${name}=${quoteForShell(script)}`),
  ];
  const command = [`vault write ${path}`, ...words.map((word) => `  ${word}`)].join(' \\\n');
  return {
    what,
    why,
    canChange: true,
    script: (force) => (force ? command : unlessReadable(path, command)),
    async look(admin) {
      const found = await admin.read(path);
      if (found === undefined) return { state: 'absent' };
      if (isGuess) return { state: 'as wanted' };
      const differences = [
        ...Object.entries(values).flatMap(([name, value]) => compare(name, value, found)),
        ...Object.keys(hidden).flatMap((name) => (found[`${name}_set`] === false ? [`${name} is not set`] : [])),
      ];
      return differences.length === 0 ? { state: 'as wanted' } : { state: 'differs', differences };
    },
    async make(admin) {
      const secrets = Object.entries(hidden).map(([name, { value }]) => [name, value] as const);
      await admin.write(path, { ...values, ...Object.fromEntries(secrets) });
      return undefined;
    },
  };
}

function compare(name: string, wanted: Value, found: VaultData): string[] {
  const is = found[name];
  if (normalise(is) === normalise(wanted)) return [];
  return [`${name} is ${show(is)}, wanted ${show(wanted)}`];
}

/** The order of lists and the ends of texts do not matter; Vault gives durations as seconds. */
function normalise(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(String).toSorted());
  return String(value ?? '').trim();
}

function show(value: unknown): string {
  const text = Array.isArray(value) ? value.join(',') : String(value ?? '').replace(/\s+/g, ' ');
  if (text === '') return 'empty';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function render(value: Value): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
