import { quoteForShell } from '../../issuer/vault/shell.ts';
import type { SetupPlan } from './plan.ts';

export interface ScriptOptions {
  /** What it is for: a SPIFFE ID. */
  readonly subject: string;
  readonly address: string;
  readonly namespace: string | undefined;
  /** Bring in line what is there and differs. */
  readonly force: boolean;
}

/** The plan for a person to read, to run, and to keep: a script for a POSIX shell, of `vault` commands. It holds no secret. */
export function renderScript(
  { steps, hints }: SetupPlan,
  { subject, address, namespace, force }: ScriptOptions,
): string {
  const blocks = steps.map(({ why, script }) => [...why.map((line) => `# ${line}`), script(force)].join('\n'));
  const head = [
    '#!/bin/sh',
    `# What Vault needs before a meshcert agent can get certificates for ${subject}.`,
    '# To be run once by an administrator of Vault (VAULT_TOKEN, or vault login before).',
    force ? '# Roles and policies are written anew, whatever they are now.' : '# What is there already stays as it is.',
    'set -eu',
    `: "\${VAULT_ADDR:=${address}}"`,
    'export VAULT_ADDR',
    ...(namespace === undefined ? [] : [`export VAULT_NAMESPACE=${quoteForShell(namespace)}`]),
  ].join('\n');
  const tail = hints.length === 0 ? [] : [hints.map((line) => `# ${line}`).join('\n')];
  return `${[head, ...blocks, ...tail].join('\n\n')}\n`;
}
