import { InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../../config/duration.ts';
import { AgentError } from '../../errors.ts';
import { RUN_DEFAULTS, type RunOptions, run } from '../run.ts';
import { type AddCommand, addCommand, type ConfigOptions } from './command.ts';

type Options = ConfigOptions & Omit<RunOptions, 'files' | 'timeoutMs'> & { timeout: number };

export const addRun: AddCommand = (program, { edge, ended }) => {
  addCommand(program, {
    name: 'run',
    description: 'run the agent',
    examples: `Examples:
  $ meshcert run                                   a CA of its own, files in ./.meshcert/identity
  $ meshcert run -c mesh.yaml -c agent.yaml
  $ meshcert run -c agent.yaml --once              init containers, Jobs, cron`,
  })
    .option('--once', 'issue, deliver, exit')
    .addOption(
      new Option('--timeout <duration>', 'how long --once tries')
        .argParser(readDuration)
        .default(RUN_DEFAULTS.timeoutMs, '60s'),
    )
    .option('--secrets-dir <path>', 'where "secret: NAME" is the file NAME', RUN_DEFAULTS.secretsDir)
    .addOption(logLevelOption())
    .addOption(new Option('--log-format <format>', 'default: text on a terminal, else json').choices(['text', 'json']))
    .action(async ({ config, timeout, ...options }: Options) => {
      ended(await run({ ...options, files: config, timeoutMs: timeout }, edge));
    });
};

function readDuration(text: string): number {
  try {
    return parseDurationMs(text);
  } catch (thrown) {
    throw new InvalidArgumentError(AgentError.from(thrown).message);
  }
}

function logLevelOption(): Option {
  return new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default(RUN_DEFAULTS.logLevel);
}
