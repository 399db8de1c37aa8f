import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';

const HOOK = 'hook:nginx';
const TARGET = 'tls:127.0.0.1:10001';

const setUp = () => setUpObservation({ hooks: [HOOK], targets: [TARGET] });
const error = new AgentError('ERR_DELIVERY', 'hook:nginx failed: ended with exit code 1', { remedy: 'run it by hand' });

t.test('neither is asked whether the agent is ready, nor waited for', async (t) => {
  const { clock, observation, issue, deliver } = await setUp();
  const generation = await issue();
  const waiting = observation.waitUntilDelivered(1, new AbortController().signal);
  const retryAtMs = clock.nowMs() + 500;
  observation.hook.failed({ delivery: HOOK, generation, error, retryAtMs });
  deliver(generation);
  await t.resolves(waiting, 'the failure of a hook ends no wait, either');
  t.ok(observation.ready().ok);
  observation.served.late({ target: TARGET, generation, error, retryAtMs });
  t.ok(observation.ready().ok);
  t.strictSame(observation.status().deliveries.length, 1);
});

t.test('status and metrics tell what each has come to', async (t) => {
  const { clock, observation, issue, deliver } = await setUp();
  const generation = await issue();
  deliver(generation);
  const retryAtMs = clock.nowMs() + 500;
  observation.hook.failed({ delivery: HOOK, generation, error, retryAtMs });
  observation.served.late({ target: TARGET, generation, error, retryAtMs });
  const failing = 'hook:nginx failed: ended with exit code 1; run it by hand';
  t.strictSame(observation.status().hooks, [{ name: HOOK, generation: 0, failing }]);
  t.strictSame(observation.status().served, [{ name: TARGET, generation: 0, failing }]);
  t.match(observation.status().lastError, { line: failing, retryAt: '2026-01-01T00:00:00.500Z' });

  observation.hook.delivered({ delivery: HOOK, generation, seconds: 0.1 });
  observation.served.served({ target: TARGET, generation, seconds: 12 });
  t.strictSame(observation.status().hooks, [{ name: HOOK, generation: 1 }]);
  t.strictSame(observation.status().served, [{ name: TARGET, generation: 1 }]);
  t.equal(observation.status().lastError?.retryAt, undefined, 'overcome');
  const text = await observation.metrics.render();
  for (const line of [
    `meshcert_delivered_generation{delivery="${HOOK}"} 1`,
    `meshcert_delivery_failures_total{delivery="${HOOK}"} 1`,
    `meshcert_delivery_duration_seconds_count{delivery="${HOOK}"} 1`,
    `meshcert_served_generation{target="${TARGET}"} 1`,
    `meshcert_served_late_total{target="${TARGET}"} 1`,
    `meshcert_served_duration_seconds_count{target="${TARGET}"} 1`,
    `meshcert_served_duration_seconds_bucket{le="10",target="${TARGET}"} 0`,
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
});

t.test('their counts are there from the start, and without them there is nothing of them', async (t) => {
  const { observation } = await setUp();
  const text = await observation.metrics.render();
  for (const line of [
    `meshcert_delivery_failures_total{delivery="${HOOK}"} 0`,
    `meshcert_served_generation{target="${TARGET}"} 0`,
    `meshcert_served_late_total{target="${TARGET}"} 0`,
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
  const { observation: bare } = await setUpObservation();
  t.equal(bare.status().hooks, undefined);
  t.equal(bare.status().served, undefined);
  t.notMatch(await bare.metrics.render(), /^meshcert_served_generation\{/m);
});
