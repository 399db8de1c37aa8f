import type { Clock } from '../clock.ts';
import type { ReadDataSource } from '../data-source.ts';

/** What an examination needs of the world. */
export interface DoctorPorts {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly readSource: ReadDataSource;
  /** A token of the person who asks, to read with what the agent's own may not. */
  readonly adminToken?: string | undefined;
  /** Whether a trial certificate may be issued. */
  readonly trial: boolean;
}
