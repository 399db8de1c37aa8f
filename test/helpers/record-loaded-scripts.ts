/**
 * `node --import record-loaded-scripts.ts PROGRAM`: writes a line for each script that V8 is given from then on, however
 * it was loaded, and at the end the modules of Node itself.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { Session } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';

/** Where the lines are to go. */
export const RECORD_VARIABLE = 'MESHCERT_TEST_RECORD';
/** A file that exists from the first certificate on. */
export const CERTIFICATE_VARIABLE = 'MESHCERT_TEST_CERTIFICATE';

export type RecordedLine =
  | { readonly script: string; readonly isDelivered: boolean }
  /** Names as in `process.moduleLoadList`. */
  | { readonly nodeModules: readonly string[] };

const { [RECORD_VARIABLE]: record, [CERTIFICATE_VARIABLE]: certificate = '' } = process.env;
if (record !== undefined && isMainThread) {
  const write = (line: RecordedLine) => appendFileSync(record, `${JSON.stringify(line)}\n`);
  const session = new Session();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params: { url } }) => {
    write({ script: url, isDelivered: existsSync(certificate) });
  });
  session.post('Debugger.enable');
  process.once('exit', () => {
    const { moduleLoadList = [] } = process as { moduleLoadList?: string[] };
    write({ nodeModules: moduleLoadList.filter((name) => name.startsWith('NativeModule ')) });
  });
}
