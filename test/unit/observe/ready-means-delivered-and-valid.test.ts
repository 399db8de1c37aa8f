import t from 'tap';
import { renderHealth } from '../../../src/observe/health.ts';
import { FILES, setUpObservation } from '../../helpers/observation-bench.ts';

const HOUR_MS = 3_600_000;

t.test('ready from the moment that every delivery holds a certificate', async (t) => {
  const { observation, issue, deliver } = await setUpObservation({ deliveries: [FILES, 'files:/other'] });
  t.equal(
    renderHealth(observation.ready()),
    `failed
[-] certificate: none yet
[-] ${FILES}: holds no certificate
[-] files:/other: holds no certificate
[i] CA of vault-1: Unknown since 2026-01-01T00:00:00.000Z: not asked yet
`,
  );
  const generation = await issue();
  t.notOk(observation.ready().ok, 'issued only');
  deliver(generation);
  t.notOk(observation.ready().ok, 'one of two');
  deliver(generation, 'files:/other');
  t.equal(
    renderHealth(observation.ready()),
    `ok
[+] certificate: generation 1, valid until 2026-01-01T01:00:00.000Z
[+] ${FILES}: holds generation 1
[+] files:/other: holds generation 1
[i] CA of vault-1: Connected since 2026-01-01T00:00:00.000Z
`,
  );
});

t.test('not ready from the moment that it expires, and the reason is told', async (t) => {
  const { clock, observation, issue, deliver, failToIssue } = await setUpObservation();
  deliver(await issue());
  failToIssue();
  clock.advance(HOUR_MS - 1);
  t.ok(observation.ready().ok, 'a CA that is away harms nobody yet');
  clock.advance(1);
  const text = renderHealth(observation.ready());
  t.match(text, '[-] certificate: expired at 2026-01-01T01:00:00.000Z: no answer from the CA; start it');
  t.match(text, `[-] ${FILES}: holds an expired certificate`);
  observation.delivery.withdrawn({ delivery: FILES });
  t.match(renderHealth(observation.ready()), `[-] ${FILES}: holds no certificate`);
  deliver(await issue());
  t.ok(observation.ready().ok);
});

t.test('ready with the generation before, while the newest cannot be delivered and that one is valid', async (t) => {
  const { clock, observation, issue, deliver, failToDeliver } = await setUpObservation();
  deliver(await issue());
  clock.advance(HOUR_MS / 2);
  failToDeliver(await issue());
  t.match(renderHealth(observation.ready()), `[+] ${FILES}: holds generation 1; no space is left; free some`);
  t.ok(observation.ready().ok);
  clock.advance(HOUR_MS / 2);
  t.notOk(observation.ready().ok);
});

t.test('ready at once when mTLS is off', async (t) => {
  const { observation, clock } = await setUpObservation({ backend: undefined });
  clock.advance(24 * HOUR_MS);
  t.ok(observation.ready().ok);
  t.ok(observation.alive().ok, 'and alive, without a loop');
});

t.test('alive while the loop ticks, whatever else fails', async (t) => {
  const { clock, observation, failToIssue } = await setUpObservation();
  failToIssue();
  for (let minute = 0; minute < 10; minute += 1) {
    clock.advance(60_000);
    observation.rotation.ticked();
    t.ok(observation.alive().ok);
  }
  clock.jump(24 * HOUR_MS);
  t.ok(observation.alive().ok, 'a machine that was suspended is no dead loop');
  clock.advance(179_000);
  t.ok(observation.alive().ok);
  clock.advance(1_000);
  t.match(renderHealth(observation.alive()), 'failed\n[-] rotation loop: last seen 180 s ago\n');
});
