import type { KeyType } from '../identity/key-pair.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';

/** What the agent would do: whose certificate it wants, and how. */
export interface Subject {
  readonly backend: string;
  readonly mesh: string;
  readonly spiffeId: SpiffeId;
  /** Undefined: the agent chooses. */
  readonly keyType: KeyType | undefined;
  /** The lifetime that it asks for. */
  readonly ttlSeconds: number;
  readonly requestTimeoutMs: number;
}
