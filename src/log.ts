/**
 * One line per event: JSON, or text where a person reads.
 *
 * A few lines of our own because a logging library costs a fifth of the time to the first certificate. Callers pass
 * only fields that may be seen: never a key, token, CSR or the value of a secret.
 *
 * @module
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export interface LogOptions {
  /** `text` for terminals, `json` for everything else. */
  readonly format: 'text' | 'json';
  /** The least level that is written. Default `info`. */
  readonly level?: LogLevel;
  readonly nowMs: () => number;
  /** What a level looks like in `text`. Default: as it is. */
  readonly paintLevel?: ((level: LogLevel, text: string) => string) | undefined;
  /** Gets whole lines, newline included. */
  readonly write: (line: string) => void;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export function openLog(options: LogOptions): Log {
  const least = LEVELS.indexOf(options.level ?? 'info');
  const { paintLevel = (_, text) => text } = options;
  const render = options.format === 'json' ? renderJson : makeTextRenderer(paintLevel);
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (LEVELS.indexOf(level) < least) return;
      options.write(`${render(new Date(options.nowMs()).toISOString(), level, event, fields)}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function renderJson(time: string, level: LogLevel, event: string, fields: LogFields): string {
  return JSON.stringify({ time, level, event, ...fields });
}

function makeTextRenderer(paintLevel: NonNullable<LogOptions['paintLevel']>): typeof renderJson {
  return (time, level, event, fields) => {
    const pairs = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(
        ([key, value]) => `${key}=${typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : value}`,
      );
    return [time.slice(11, 23), paintLevel(level, level.toUpperCase().padEnd(5)), event, ...pairs].join(' ');
  };
}
