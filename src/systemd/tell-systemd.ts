import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { type Described, describeStatus } from './describe-status.ts';
import { readWatchdogMs } from './watchdog.ts';

/** How often a state that changes by itself, such as by an expiry, is looked at. */
const LOOK_MS = 5_000;
/** The first looks are sooner, as those who start a service wait for it; at once would only delay the first certificate. */
const FIRST_LOOK_MS = 100;

/** Whom systemd is told of. */
export interface Service {
  status(): Described;
  /** False: nothing but a restart would help. */
  isAlive(): boolean;
}

export interface SystemdPorts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly send: SendMessage;
}

/**
 * Sends one message, the assignments of `sd_notify(3)`.
 *
 * @returns why it could not be sent, with a remedy; undefined when it was.
 */
export type SendMessage = (assignments: readonly string[]) => Promise<string | undefined>;

export interface ToldSystemd {
  /** Tells that the service does what somebody asked it for, until that has settled. */
  reloading(work: Promise<unknown>): void;
  /** Resolves after the signal, when the last message is sent. */
  readonly ended: Promise<void>;
}

/**
 * Tells systemd, until the signal is aborted, when the service is ready for the first time, what it does in one line and, where
 * the unit has a watchdog, that it is alive. Messages keep their order. One that cannot be sent is warned of, once.
 */
export function tellSystemd(service: Service, ports: SystemdPorts, signal: AbortSignal): ToldSystemd {
  const { clock, log } = ports;
  // Twice in the time that systemd allows, as sd_watchdog_enabled(3) advises.
  const aliveEveryMs = readWatchdogMs(ports.environment, ports.pid) / 2;
  let aliveAtMs = clock.monotonicMs() + aliveEveryMs;
  let wasReady = false;
  let lastLine: string | undefined;
  let isFailing = false;
  let sent = Promise.resolve();

  function send(assignments: readonly string[]): Promise<void> {
    sent = sent.then(async () => {
      const failure = await ports.send(assignments);
      if (failure !== undefined && !isFailing) log.warn(`systemd was not told how the agent is: ${failure}`);
      isFailing = failure !== undefined;
    });
    return sent;
  }

  function collectNews(): string[] {
    const { ready, line } = describeStatus(service.status());
    const news: string[] = [];
    if (ready && !wasReady) news.push('READY=1');
    if (line !== lastLine) news.push(`STATUS=${line}`);
    wasReady ||= ready;
    lastLine = line;
    if (clock.monotonicMs() >= aliveAtMs && service.isAlive()) {
      news.push('WATCHDOG=1');
      aliveAtMs = clock.monotonicMs() + aliveEveryMs;
    }
    return news;
  }

  async function look(): Promise<void> {
    let pauseMs = FIRST_LOOK_MS;
    for (;;) {
      const untilAliveMs = Math.max(aliveAtMs - clock.monotonicMs(), FIRST_LOOK_MS);
      await clock.sleep(Math.min(pauseMs, untilAliveMs), signal);
      if (signal.aborted) break;
      const news = collectNews();
      if (news.length > 0) await send(news);
      pauseMs = wasReady ? LOOK_MS : Math.min(2 * pauseMs, LOOK_MS);
    }
    await send(['STOPPING=1', 'STATUS=stopping']);
  }

  return {
    reloading(work) {
      // To systemd a start goes on until the service is ready, whatever else it does.
      if (!wasReady) return;
      void send(['RELOADING=1', `MONOTONIC_USEC=${Math.floor(clock.monotonicMs() * 1000)}`]);
      const settled = () => (signal.aborted ? undefined : send(['READY=1']));
      work.then(settled, settled);
    },
    ended: look(),
  };
}
