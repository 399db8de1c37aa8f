/**
 * Hooks: what is done once a generation is in place, so that programs which read files only when told to are told.
 *
 * @module
 */
import type { Generation } from '../../identity/identity.ts';
import type { Log } from '../../log.ts';
import type { Delivery } from '../delivery.ts';
import type { HookConfig } from './config.ts';
import { makeEnvironment, type OutputPaths } from './environment.ts';
import { runProgram, type SendSignal } from './run-program.ts';
import { sendRequest } from './send-request.ts';
import { signalProcess } from './signal-process.ts';

export interface HookContext {
  readonly log: Log;
  readonly sendSignal: SendSignal;
  /** The agent's own environment, of which programs inherit a part. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly uid: number | undefined;
  /** Where the files are that programs are told of. */
  readonly outputs: readonly OutputPaths[];
}

/**
 * A hook as a delivery: given a generation that others hold already, it acts once, and fails with a line. `close` ends a
 * program that is still running.
 */
export function openHook(config: HookConfig, context: HookContext): Delivery {
  const closing = new AbortController();
  return {
    name: config.name,
    doneEvent: 'hook done',
    prepare: async () => {},
    deliver: (generation) => act(config, context, generation, closing.signal),
    // What has expired is gone from the files; there is nothing to reload.
    withdraw: async () => {},
    close: async () => closing.abort(),
  };
}

async function act(
  hook: HookConfig,
  { log, sendSignal, environment, pid, uid, outputs }: HookContext,
  generation: Generation,
  signal: AbortSignal,
): Promise<void> {
  switch (hook.kind) {
    case 'exec': {
      const { name, argv, timeoutMs } = hook;
      const tellOutput = (output: string) => log.debug('hook wrote', { delivery: name, output });
      const program = { name, argv, timeoutMs, environment: makeEnvironment(environment, generation, outputs) };
      return runProgram(program, { sendSignal, tellOutput }, signal);
    }
    case 'signal':
      return signalProcess(hook, { sendSignal, ownPid: pid, uid });
    case 'http':
      return sendRequest(hook, signal);
    default:
      return hook satisfies never;
  }
}
