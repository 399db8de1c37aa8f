import { basename, resolve } from 'node:path';
import type { HookConfig } from '../../delivery/hooks/config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import {
  anything,
  choice,
  convert,
  duration,
  expected,
  fail,
  isAbsent,
  isMapping,
  maybe,
  path,
  pattern,
} from '../schema.ts';
import { httpUrl, requireOneOf } from './targets.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
/** A hook that never ends would keep the next generation's from starting. */
const MAX_TIMEOUT_MS = 60_000;

/** Those that ask a program for something; none that it cannot notice. */
const SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGCONT'] as const;

const argv = convert((input) => {
  const hint = 'write program and arguments as a list: [nginx, -s, reload]; there is no shell';
  if (!Array.isArray(input)) return fail(expected('a list', input), hint);
  const [program, ...rest] = input as unknown[];
  if (typeof program !== 'string' || program === '') return fail('expected the program first', hint);
  // Not quoted: an argument may be a password.
  const wrong = rest.findIndex((argument) => typeof argument !== 'string');
  if (wrong >= 0) return fail(`argument ${wrong + 1} is no text`, 'put numbers, true and false in quotes');
  if (input.some((part: string) => part.includes('\0'))) return fail('expected text without null characters');
  return [program, ...(rest as string[])] as const;
});

const HOOK = {
  name: maybe(pattern(/^[\w.:-]{1,63}$/, 'a name of letters, digits, ".", ":", "-" and "_", at most 63')),
  timeout: maybe(duration),
  exec: maybe(argv),
  signal: maybe(choice(SIGNALS)),
  pidFile: maybe(path),
  process: maybe(pattern(/^[^\p{Cc}/]{1,63}$/u, 'the name of a program')),
  http: anything,
};

const HTTP = { method: maybe(choice(['GET', 'POST', 'PUT'])), url: maybe(httpUrl) };

/** Reads `deliver.hooks`, reporting every mistake. */
export function readHooks(hooks: unknown, listPlace: Place, currentDirectory: string): HookConfig[] {
  if (isAbsent(hooks)) return [];
  if (!Array.isArray(hooks)) {
    listPlace.error(expected('a list', hooks), 'start each entry with "- "');
    return [];
  }
  const read: HookConfig[] = [];
  hooks.forEach((entry: unknown, index) => {
    const hook = readHook(entry, listPlace.at(index), currentDirectory);
    if (hook === undefined) return;
    const isTaken = (name: string) => read.some((other) => other.name === name);
    const isNamed = isMapping(entry) && !isAbsent(entry.name);
    if (isNamed && isTaken(hook.name)) listPlace.at(index, 'name').error('another hook has this name, too');
    let name = hook.name;
    for (let count = 2; isTaken(name); count += 1) name = `${hook.name}-${count}`;
    read.push({ ...hook, name });
  });
  return read;
}

function readHook(entry: unknown, place: Place, currentDirectory: string): HookConfig | undefined {
  const { name, timeout: timeoutMs = DEFAULT_TIMEOUT_MS, ...read } = readMapping(HOOK, entry, place);
  if (!isMapping(entry)) return undefined;
  if (timeoutMs > MAX_TIMEOUT_MS) place.at('timeout').error('expected at most 60s');
  const kind = requireOneOf(entry, ['exec', 'signal', 'http'], place);
  if (kind !== 'signal') {
    for (const key of ['pidFile', 'process'].filter((only) => !isAbsent(entry[only]))) {
      place.at(key).error('goes with "signal" only');
    }
  }
  const common = (what: string) => ({ name: `hook:${name ?? what}`, timeoutMs });
  switch (kind) {
    case 'exec': {
      if (read.exec === undefined) return undefined;
      return { kind, ...common(basename(read.exec[0])), argv: read.exec };
    }
    case 'signal': {
      const { signal, pidFile, process: processName } = read;
      if (isAbsent(entry.pidFile)) {
        place.at('pidFile').error('missing: expected the file that holds the number of the process');
      } else if (isAbsent(entry.process)) {
        place
          .at('signal')
          .warn('whatever process has got the number is signalled', 'name the program: "process: haproxy"');
      }
      if (signal === undefined || pidFile === undefined) return undefined;
      const what = processName ?? basename(pidFile, '.pid');
      return { kind, ...common(what), signal, pidFile: resolve(currentDirectory, pidFile), processName };
    }
    case 'http': {
      const { method = 'POST', url } = readMapping(HTTP, read.http, place.at('http'));
      if (isMapping(entry.http) && isAbsent(entry.http.url)) place.at('http', 'url').error('missing');
      if (url === undefined) return undefined;
      return { kind, ...common(url.host), method, url: url.href };
    }
    case undefined:
      return undefined;
    default:
      return kind satisfies never;
  }
}
