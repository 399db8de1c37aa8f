import type { VaultConfig } from '../../issuer/vault/config.ts';
import type { Subject } from '../subject.ts';

/** From which Vault the agent wants its certificate. */
export interface VaultSubject extends Subject {
  readonly vault: VaultConfig;
}
