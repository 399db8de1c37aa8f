import { asString } from '../../issuer/vault/json.ts';
import type { Step } from './step.ts';

export interface Policy {
  readonly name: string;
  readonly why: readonly string[];
  /** Capabilities by path. */
  readonly grants: readonly (readonly [path: string, capabilities: readonly string[]])[];
}

/** A policy of the ACL kind (sys/policies/acl/NAME). */
export function policyStep({ name, why, grants }: Policy): Step {
  const path = `sys/policies/acl/${name}`;
  const lines = grants.map(
    ([to, may]) => `path "${to}" { capabilities = [${may.map((one) => `"${one}"`).join(', ')}] }`,
  );
  const text = `${lines.join('\n')}\n`;
  const write = `vault policy write ${name} - <<'END'\n${text}END`;
  return {
    what: `policy ${name}`,
    why,
    canChange: true,
    script: (force) => (force ? write : `vault policy read ${name} >/dev/null 2>&1 || ${write}`),
    async look(admin) {
      const found = await admin.read(path);
      if (found === undefined) return { state: 'absent' };
      const has = squeeze(asString(found.policy) ?? '');
      if (has === squeeze(text)) return { state: 'as wanted' };
      const missing = lines.filter((line) => !has.includes(squeeze(line)));
      const differences = missing.map((line) => `it lacks ${line}`);
      return {
        state: 'differs',
        differences: differences.length > 0 ? differences : ['it grants more than is needed'],
      };
    },
    async make(admin) {
      await admin.write(path, { policy: text });
      return undefined;
    },
  };
}

/** Blanks and comments do not matter. */
function squeeze(policy: string): string {
  return policy.replaceAll(/^\s*#.*$/gm, '').replaceAll(/\s+/g, '');
}
