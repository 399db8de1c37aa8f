import type { ProvidedConfig } from '../issuer/provided/config.ts';
import type { BackendContext } from './backends.ts';
import type { Place } from './place.ts';
import { readMapping } from './read.ts';
import { isAbsent, isMapping, maybe } from './schema.ts';
import { source, useSource } from './source.ts';

const HINT = 'write it like {secret: NAME} or {file: PATH}';

const PROVIDED = { cert: maybe(source), key: maybe(source) };

/** Reads the `conf` of a backend of type `provided`; undefined when a mistake was reported. */
export function readProvided(conf: unknown, place: Place, context: BackendContext): ProvidedConfig | undefined {
  const { cert, key } = readMapping(PROVIDED, conf, place);
  const raw = conf ?? {};
  if (!isMapping(raw)) return undefined;
  if (isAbsent(raw.cert)) place.at('cert').error('missing: expected where the certificate of the CA is', HINT);
  const isKeyMissing = isAbsent(raw.key) && (cert === undefined || isWithoutKey(cert));
  if (isKeyMissing) place.at('key').error('missing: expected where the private key of the CA is', HINT);
  if (cert === undefined || isKeyMissing || (key === undefined && !isAbsent(raw.key))) return undefined;
  const { currentDirectory } = context;
  return {
    kind: 'provided',
    cert: useSource(cert, place.at('cert'), currentDirectory),
    key: key && useSource(key, place.at('key'), currentDirectory),
  };
}

/** One PEM may hold both; whether a file or a secret does is seen when it is read. */
function isWithoutKey(cert: ProvidedConfig['cert']): boolean {
  return cert.kind === 'inline' && !cert.value.includes('PRIVATE KEY-----');
}
