import { AgentError } from '../../src/errors.ts';
import type { KeyType } from '../../src/identity/key-pair.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { RotationPlan } from '../../src/rotation/plan.ts';
import { Rotation, type RotationObserver } from '../../src/rotation/rotation.ts';
import { IdentityStore } from '../../src/store/identity-store.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIssuer } from './fake-issuer.ts';
import { openRecordingLog } from './recording-log.ts';

type Rotated = Parameters<RotationObserver['rotated']>[0];
type Failed = Parameters<RotationObserver['failed']>[0];

/** A rotation whose clock, dice and CA a test holds in its hands. */
export async function setUpRotation(
  options: {
    ttlSeconds?: number;
    keyType?: KeyType;
    jitterUnit?: number;
    standbys?: number;
    spreads?: boolean;
    random?: () => number;
  } = {},
) {
  const clock = new FakeClock();
  const issuer = await FakeIssuer.open(clock);
  const standbys = await Promise.all(Array.from({ length: options.standbys ?? 0 }, () => FakeIssuer.open(clock)));
  const ttlSeconds = options.ttlSeconds ?? 3600;
  const candidates = [issuer, ...standbys].map((one, index) => ({
    backend: `ca-${index + 1}`,
    ttlSeconds,
    open: async () => one,
  }));
  const plan: RotationPlan = {
    spiffeId: new SpiffeId('default', '/web'),
    keyType: options.keyType,
    jitterRatio: 0.02,
    spreads: options.spreads ?? false,
    candidates,
    standbyRatio: 0.5,
  };
  const store = new IdentityStore();
  const log = openRecordingLog();
  const rotated: Rotated[] = [];
  const failed: Failed[] = [];
  let ticks = 0;
  const rotation = new Rotation(plan, {
    sink: store,
    clock,
    random: options.random ?? (() => options.jitterUnit ?? 0.5),
    log,
    observer: {
      rotated: (event) => void rotated.push(event),
      failed: (event) => void failed.push(event),
      ticked: () => {
        ticks += 1;
      },
    },
  });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  return {
    clock,
    issuer,
    standbys,
    plan,
    store,
    log,
    rotated,
    failed,
    rotation,
    stop,
    ticks: () => ticks,
    /** Starts the loop, and waits for its first sleep. */
    async start(): Promise<void> {
      running = rotation.run(stop.signal);
      await clock.someoneSleeps();
    },
    /** Lets time pass in steps of the loop's own sleeps, and waits for the loop to sleep again after each. */
    async pass(ms: number): Promise<void> {
      for (let left = ms; left > 0; ) {
        await clock.someoneSleeps();
        const step = Math.min(left, clock.sleeps.at(-1) ?? left);
        clock.advance(Math.max(step, 1));
        left -= Math.max(step, 1);
      }
      await clock.someoneSleeps();
    },
    /** Lets time pass, a second at a time, until it is so; an attempt takes real time for its key. */
    async passUntil(isSo: () => boolean): Promise<void> {
      while (!isSo()) {
        clock.advance(1000);
        for (let turns = 0; turns < 20 && !isSo(); turns += 1) await new Promise(setImmediate);
      }
    },
    async end(): Promise<void> {
      stop.abort();
      await running;
    },
  };
}

export function unreachable(): AgentError {
  return new AgentError('ERR_CA_UNREACHABLE', 'no answer from the CA');
}
