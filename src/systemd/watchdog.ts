/**
 * The time within which systemd wants to hear from this process again, by `sd_watchdog_enabled(3)`: `WATCHDOG_USEC`, unless
 * `WATCHDOG_PID` says that another process is meant.
 *
 * @returns milliseconds; Infinity without a watchdog.
 */
export function readWatchdogMs(environment: Readonly<Record<string, string | undefined>>, pid: number): number {
  const { WATCHDOG_USEC: usec = '', WATCHDOG_PID: meant = String(pid) } = environment;
  const isOurs = meant === '' || meant === String(pid);
  return isOurs && /^[1-9]\d*$/.test(usec) ? Number(usec) / 1000 : Number.POSITIVE_INFINITY;
}
