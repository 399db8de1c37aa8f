import type { Setting } from './contenders.ts';
import type { Row } from './rows.ts';

/** What every section is given. */
export interface BenchContext {
  /** For configuration and volumes; a short path in memory. */
  readonly directory: string;
  /** Fewer runs, shorter waits: to see that it works, not for figures. */
  readonly quick: boolean;
  /** Of `--minutes`. Default: the section's own. */
  readonly minutes: number | undefined;
  /** The built `dist/main.js`. */
  readonly program: string;
  /** Tells how far it has come. */
  readonly say: (line: string) => void;
  /** The real Vault and its PKI; started when first asked for. */
  readonly vaultSetting: () => Promise<Omit<Setting, 'ttlSeconds'>>;
}

export type Section = (context: BenchContext) => Promise<Row[]>;
