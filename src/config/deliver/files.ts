import { resolve } from 'node:path';
import type { FileName, FilesConfig } from '../../delivery/files/config.ts';
import type { Place } from '../place.ts';
import { readMapping } from '../read.ts';
import { anything, convert, duration, expected, fail, isAbsent, isMapping, maybe, path, quote } from '../schema.ts';
import { source, useSource } from '../source.ts';
import { numericId, octalMode } from './permissions.ts';

const DEFAULT_GRACE_MS = 60_000;
/** Each generation that is kept holds a private key. */
const MAX_GRACE_MS = 86_400_000;

const fileName = convert((input) => {
  const hint = 'for another directory, make another entry of "files"';
  if (typeof input !== 'string') return fail(expected('the name of a file', input), hint);
  if (/^(?!\.\.)[^\p{Cc}/]{1,200}$/u.test(input) && input !== '.') return input;
  return fail(`expected the name of a file without "/" and not beginning with "..", got ${quote(input)}`, hint);
});

const NAMES = {
  'tls.crt': maybe(fileName),
  'tls.key': maybe(fileName),
  'ca.crt': maybe(fileName),
  'credentialbundle.pem': maybe(fileName),
  'tls_certificate_sds.yaml': maybe(fileName),
  'validation_context_sds.yaml': maybe(fileName),
  'keystore.p12': maybe(fileName),
  'truststore.p12': maybe(fileName),
} satisfies Record<FileName, unknown>;

const FILES = {
  directory: maybe(path),
  mode: maybe(octalMode),
  keyMode: maybe(octalMode),
  owner: maybe(numericId),
  group: maybe(numericId),
  grace: maybe(duration),
  names: anything,
  pkcs12: anything,
};

/** Reads one entry of `deliver.files`, reporting every mistake; undefined without a usable directory. */
export function readFiles(entry: unknown, place: Place, currentDirectory: string): FilesConfig | undefined {
  const read = readMapping(FILES, entry, place);
  const { directory, mode = 0o644, keyMode = 0o600, owner, group, grace: graceMs = DEFAULT_GRACE_MS } = read;
  if (isAbsent(entry) || (isMapping(entry) && isAbsent(entry.directory))) {
    place.at('directory').error('missing: expected the directory for the files');
  }
  if ((keyMode & 0o004) !== 0) place.at('keyMode').warn('every user of this machine may read the private key');
  if (graceMs > MAX_GRACE_MS) place.at('grace').error('expected at most 24h', 'old private keys stay for so long');
  const names = readNames(read.names, place.at('names'));
  const pkcs12 = readPkcs12(read.pkcs12, place.at('pkcs12'), currentDirectory);
  if (directory === undefined) return undefined;
  return { directory: resolve(currentDirectory, directory), mode, keyMode, owner, group, graceMs, names, pkcs12 };
}

function readNames(given: unknown, place: Place): FilesConfig['names'] {
  const read = readMapping(NAMES, given, place);
  const files = Object.keys(NAMES) as FileName[];
  const taken = new Map<string, FileName>(files.filter((file) => read[file] === undefined).map((file) => [file, file]));
  for (const file of files) {
    const name = read[file];
    const twin = name === undefined ? undefined : taken.get(name);
    if (twin !== undefined) place.at(file).error(`${quote(twin)} has this name, too`);
    if (name !== undefined) taken.set(name, file);
  }
  return Object.fromEntries(files.flatMap((file) => (read[file] === undefined ? [] : [[file, read[file]]])));
}

function readPkcs12(given: unknown, place: Place, currentDirectory: string): FilesConfig['pkcs12'] {
  if (isAbsent(given)) return undefined;
  const { password } = readMapping({ password: maybe(source) }, given, place, 'secret');
  if (isMapping(given) && isAbsent(given.password)) {
    place
      .at('password')
      .error('missing: expected where the password comes from', 'write it like {file: /etc/web/password}');
  }
  return password && { password: useSource(password, place.at('password'), currentDirectory) };
}
