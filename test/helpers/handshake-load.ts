import { eventually } from './eventually.ts';
import { peerProgram } from './peers.ts';
import { startProcess } from './process.ts';

export interface HandshakeLoadOptions {
  /** Holds the log. */
  readonly directory: string;
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Folder with `tls.crt`, `tls.key` and `ca.crt` of the caller. */
  readonly identity: string;
  readonly perSecond: number;
}

/** All that there was. Milliseconds from the beginning of a connection to the end of its handshake. */
export interface HandshakeSum {
  readonly answered: number;
  readonly failed: number;
  /** Not even begun, as too many were waiting for the server. */
  readonly skipped: number;
  readonly seconds: number;
  readonly shakenMsP50: number;
  readonly shakenMsP99: number;
}

export interface HandshakeLoad {
  /** When a handshake was completed for the first time with each certificate, by serial number: wall clock, ms. */
  servedAtMs(): ReadonlyMap<string, number>;
  /** The first of those that failed, in words. */
  failures(): string[];
  stop(): Promise<HandshakeSum>;
}

type LoadEvent =
  | { readonly event: 'served'; readonly serialNumber: string; readonly atMs: number }
  | { readonly event: 'failed'; readonly stage: string; readonly error: string; readonly atMs: number }
  | ({ readonly event: 'sum' } & HandshakeSum);

/** What one connection may take, and a moment more. */
const STOP_TIMEOUT_MS = 12_000;

/**
 * So many new TLS connections a second, full handshake with a client certificate and one request on each, by
 * test/peers/spiffe-client: in Go, as what Node spends on a handshake would be missing on a machine with two cores.
 */
export async function startHandshakeLoad(options: HandshakeLoadOptions): Promise<HandshakeLoad> {
  const { directory, port, identity, perSecond } = options;
  const running = await startProcess({
    name: 'handshake-load',
    command: peerProgram('spiffe-client'),
    args: ['load', `127.0.0.1:${port}`, identity, String(perSecond)],
    directory,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  });
  const events = () =>
    running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LoadEvent);
  const load: HandshakeLoad = {
    servedAtMs: () =>
      new Map(events().flatMap((one) => (one.event === 'served' ? [[one.serialNumber, one.atMs] as const] : []))),
    failures: () =>
      events().flatMap((one) =>
        one.event === 'failed' ? [`${new Date(one.atMs).toISOString()} ${one.stage}: ${one.error}`] : [],
      ),
    async stop() {
      await running.stop();
      const sum = events().find((one) => one.event === 'sum');
      if (sum === undefined) throw new Error(`the load ended without its sum: ${running.output().slice(-1000)}`);
      return sum;
    },
  };
  await eventually('handshakes are answered', () => load.servedAtMs().size > 0).catch(async (error: Error) => {
    await running.stop();
    throw new Error(`${error.message}\n${running.output().slice(-1000)}`);
  });
  return load;
}
