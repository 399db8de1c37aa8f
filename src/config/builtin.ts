import { resolve } from 'node:path';
import type { BuiltinConfig } from '../issuer/builtin/config.ts';
import type { BackendContext } from './backends.ts';
import type { Place } from './place.ts';
import { type Read, readMapping } from './read.ts';
import { duration, integer, keys, maybe } from './schema.ts';

const TEN_YEARS_SECONDS = 10 * 365 * 86_400;

const BUILTIN = { caCert: maybe(keys({ RSAbits: maybe(integer(2048, 8192)), expiration: maybe(duration) })) };

/** Reads the `conf` of a backend of type `builtin`. */
export function readBuiltin(conf: unknown, place: Place, { currentDirectory }: BackendContext): BuiltinConfig {
  const { caCert }: Read<typeof BUILTIN> = readMapping(BUILTIN, conf, place);
  const { RSAbits: rsaBits, expiration } = caCert ?? {};
  return {
    ...makeBuiltinConfig(currentDirectory),
    rsaBits,
    ...(expiration !== undefined && { caTtlSeconds: Math.ceil(expiration / 1000) }),
  };
}

/** What an empty `conf` gives: a CA kept in `.meshcert/ca`. */
export function makeBuiltinConfig(currentDirectory: string): BuiltinConfig {
  return {
    kind: 'builtin',
    directory: resolve(currentDirectory, '.meshcert/ca'),
    caTtlSeconds: TEN_YEARS_SECONDS,
  };
}
