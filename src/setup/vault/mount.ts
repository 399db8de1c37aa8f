import type { Step } from './step.ts';

export interface Mount {
  readonly kind: 'secrets' | 'auth';
  /** Without `auth/`. */
  readonly path: string;
  /** `pki`, `kubernetes` */
  readonly type: string;
  /** The longest life that anything of it may have. */
  readonly maxTtlSeconds?: number;
  readonly why: readonly string[];
}

/** An engine at a path (sys/mounts/PATH, sys/auth/PATH). */
export function mountStep({ kind, path, type, maxTtlSeconds, why }: Mount): Step {
  const api = kind === 'secrets' ? `sys/mounts/${path}` : `sys/auth/${path}`;
  const what = kind === 'secrets' ? `secrets engine ${path}` : `auth method auth/${path}`;
  const limit = maxTtlSeconds === undefined ? '' : ` -max-lease-ttl=${maxTtlSeconds / 3600}h`;
  return {
    what,
    why,
    canChange: false,
    script: () =>
      [
        `case "$(vault read -field=type ${api} 2>/dev/null || true)" in`,
        `  ${type}) ;;`,
        `  '') vault ${kind} enable -path=${path}${limit} ${type} ;;`,
        `  *) echo '${what} is not of the type ${type}; choose another path' >&2; exit 1 ;;`,
        'esac',
      ].join('\n'),
    async look(admin) {
      const found = await admin.read(api);
      if (found === undefined) return { state: 'absent' };
      if (found.type === type) return { state: 'as wanted' };
      return { state: 'differs', differences: [`it is of the type ${found.type}, not ${type}; choose another path`] };
    },
    async make(admin) {
      const config = maxTtlSeconds === undefined ? {} : { config: { max_lease_ttl: `${maxTtlSeconds}s` } };
      await admin.write(api, { type, ...config });
      return undefined;
    },
  };
}
