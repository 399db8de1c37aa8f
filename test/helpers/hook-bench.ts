import type { HookConfig } from '../../src/delivery/hooks/config.ts';
import { type HookContext, openHook } from '../../src/delivery/hooks/open-hook.ts';
import { AgentError } from '../../src/errors.ts';
import type { Generation } from '../../src/identity/identity.ts';
import { openRecordingLog } from './recording-log.ts';

/** Opens hooks as the agent does, with real processes, files and signals. */
export function openHookBench(generation: Generation, options: Partial<HookContext> = {}) {
  const log = openRecordingLog();
  const context: HookContext = {
    log,
    sendSignal: (pid, signal) => void process.kill(pid, signal),
    environment: { PATH: process.env.PATH },
    pid: process.pid,
    uid: process.getuid?.(),
    outputs: [],
    ...options,
  };
  const open = (config: HookConfig) => openHook(config, context);
  return {
    log,
    open,
    run: (config: HookConfig) => open(config).deliver(generation),
    /** @returns why it failed. */
    async fail(config: HookConfig): Promise<AgentError> {
      const thrown = await open(config)
        .deliver(generation)
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      if (thrown instanceof AgentError && thrown.code === 'ERR_DELIVERY') return thrown;
      throw new TypeError(`AgentError expected, got ${thrown}`);
    },
  };
}
