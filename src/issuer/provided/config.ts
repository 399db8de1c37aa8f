import type { DataSource } from '../../data-source.ts';

/** A CA that the user brings: a root, or an intermediate with its chain. */
export interface ProvidedConfig {
  readonly kind: 'provided';
  /** PEM: the closest CA first, each followed by the one that issued it. May hold the key, too. */
  readonly cert: DataSource;
  /** PEM: the key of the first certificate. Undefined: it stands in `cert`. */
  readonly key?: DataSource | undefined;
}
