import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../config/duration.ts';
import { AgentError } from '../errors.ts';
import type { LogLevel } from '../log.ts';
import type { Edge, ExitCode } from './edge.ts';
import { healthcheck } from './healthcheck.ts';
import { inspect } from './inspect.ts';
import { rotate } from './rotate.ts';
import { RUN_DEFAULTS, run } from './run.ts';
import { validate } from './validate.ts';
import { version } from './version.ts';

const EXAMPLES: Readonly<Record<string, string>> = {
  run: `
Examples:
  $ meshcert run                                   a CA of its own, files in ./.meshcert/identity
  $ meshcert run -c mesh.yaml -c agent.yaml
  $ meshcert run -c agent.yaml --once              init containers, Jobs, cron`,
  validate: `
Examples:
  $ meshcert validate -c mesh.yaml -c agent.yaml
  $ MESHCERT_CONFIG="$(cat mesh.yaml)" meshcert validate`,
  inspect: `
Examples:
  $ meshcert inspect
  $ meshcert inspect --socket /var/run/meshcert/admin.sock -o json`,
  rotate: `
Example:
  $ meshcert rotate -c agent.yaml`,
  healthcheck: `
Example:
  $ meshcert healthcheck && echo ready`,
};

interface ConfigOptions {
  readonly config: string[];
}

interface AdminOptions extends ConfigOptions {
  readonly socket?: string;
}

/**
 * Runs the command that the arguments name, or prints help or what is wrong with them.
 *
 * @throws AgentError of the command.
 */
export async function runCommandLine(args: readonly string[], edge: Edge): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = describeProgram(edge, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    throw thrown;
  }
}

function describeProgram(edge: Edge, ended: (code: ExitCode) => void): Command {
  const program = new Command('meshcert')
    .description("Turns a workload's own identity into a rotating SPIFFE certificate.")
    .version(version)
    .configureOutput({ writeOut: edge.writeOut, writeErr: edge.writeError })
    .showHelpAfterError('(run with --help to see what is possible)')
    .exitOverride();
  const add = (name: keyof typeof EXAMPLES, description: string) =>
    program
      .command(name)
      .description(description)
      .addHelpText('after', EXAMPLES[name] ?? '')
      .option('-c, --config <file>', 'configuration; may be given several times', collect, [] as string[]);
  const addAdmin = (name: keyof typeof EXAMPLES, description: string) =>
    add(name, description).option('--socket <path>', "the agent's admin socket; default: the configuration's");

  add('run', 'run the agent')
    .option('--once', 'issue, deliver, exit')
    .addOption(
      new Option('--timeout <duration>', 'how long --once tries')
        .argParser(readDuration)
        .default(RUN_DEFAULTS.timeoutMs, '60s'),
    )
    .option('--secrets-dir <path>', 'where "secret: NAME" is the file NAME', RUN_DEFAULTS.secretsDir)
    .addOption(logLevelOption())
    .addOption(new Option('--log-format <format>', 'default: text on a terminal, else json').choices(['text', 'json']))
    .action(
      async (
        options: ConfigOptions & {
          once?: true;
          timeout: number;
          secretsDir: string;
          logLevel: LogLevel;
          logFormat?: 'text' | 'json';
        },
      ) => {
        ended(await run({ ...options, files: options.config, timeoutMs: options.timeout }, edge));
      },
    );

  add('validate', 'check configuration without touching the network').action(async (options: ConfigOptions) => {
    ended(await validate(options.config, edge));
  });

  addAdmin('inspect', 'rotation statistics of the running agent')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json', 'yaml']).default('table'))
    .action(async (options: AdminOptions & { output: 'table' | 'json' | 'yaml' }) => {
      ended(await inspect({ files: options.config, ...options }, edge));
    });

  addAdmin('rotate', 'rotate now, and say when the new generation is delivered').action(
    async (options: AdminOptions) => {
      ended(await rotate({ files: options.config, ...options }, edge));
    },
  );

  addAdmin('healthcheck', 'exit 0 when the agent is ready').action(async (options: AdminOptions) => {
    ended(await healthcheck({ files: options.config, ...options }, edge));
  });

  return program;
}

function collect(value: string, previous: string[]): string[] {
  if (value === '') throw new InvalidArgumentError('it is empty');
  return [...previous, value];
}

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
