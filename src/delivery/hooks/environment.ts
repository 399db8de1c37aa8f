import type { Generation } from '../../identity/identity.ts';

/** The paths of one directory of files, as readers know them. */
export interface OutputPaths {
  readonly directory: string;
  readonly certificate: string;
  readonly key: string;
  readonly trustBundle: string;
}

/**
 * What a program gets of the agent's own environment. Not all of it: the agent may have been given a token or a whole
 * configuration that way.
 */
const INHERITED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_RUNTIME_DIR|POD_NAME|POD_NAMESPACE)$/;

/** The whole environment of a hook's program: what it may inherit, and which generation is where. Never a secret. */
export function makeEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  generation: Generation,
  outputs: readonly OutputPaths[],
): Record<string, string> {
  const kept = Object.entries(inherited).filter(([name, value]) => INHERITED.test(name) && value !== undefined);
  const [first] = outputs;
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    MESHCERT_GENERATION: String(generation.number),
    MESHCERT_SPIFFE_ID: generation.spiffeId.toString(),
    MESHCERT_SERIAL_NUMBER: generation.serialNumber,
    MESHCERT_NOT_AFTER: generation.notAfter.toISOString(),
    ...(first && {
      MESHCERT_DIRECTORY: first.directory,
      MESHCERT_CERT_FILE: first.certificate,
      MESHCERT_KEY_FILE: first.key,
      MESHCERT_CA_FILE: first.trustBundle,
      MESHCERT_DIRECTORIES: outputs.map(({ directory }) => directory).join(':'),
    }),
  };
}
