/**
 * A way to hand a generation over: files, SDS, Workload API, hooks.
 *
 * @module
 */
import type { Generation } from '../identity/identity.ts';

export interface Delivery {
  /** Names this delivery in logs, status and metrics: `files:/var/run/meshcert`. Bounded by the configuration. */
  readonly name: string;
  /** Programs read from the disk what it hands over. Hooks, which tell them to, wait for it. */
  readonly writesFiles?: true;
  /** What the log says of a success. Default `certificate delivered`. */
  readonly doneEvent?: string;
  /**
   * Makes ready what can be made before there is anything to hand over, while the CA is asked. What goes wrong here goes
   * wrong again in `deliver`, which tells it.
   */
  prepare(): Promise<void>;
  /**
   * Hands the generation over; done when the promise is. All or nothing: on failure readers keep the whole previous one.
   *
   * @throws AgentError `ERR_DELIVERY`. The caller tries again until it succeeds or a newer generation exists.
   */
  deliver(generation: Generation): Promise<void>;
  /** The identity has expired and has no successor: give out neither its certificate nor its key any more. */
  withdraw(): Promise<void>;
  /** Ends what was opened. What was handed over stays. */
  close(): Promise<void>;
}
