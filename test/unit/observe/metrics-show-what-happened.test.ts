import { registerHooks } from 'node:module';
import t from 'tap';
import { setUpObservation, unreachable } from '../../helpers/observation-bench.ts';

const loaded: string[] = [];
registerHooks({
  resolve(specifier, context, next) {
    loaded.push(specifier);
    return next(specifier, context);
  },
});

const { FILES } = await import('../../helpers/observation-bench.ts');

/** Every sample by its name and labels. Refuses what a strict reader of the text format would refuse. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const described = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    const sample = /^([a-z_]+)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (-?[0-9.e+]+)$/.exec(line);
    if (comment?.[1] === 'TYPE' && comment[2] !== undefined) described.add(comment[2]);
    else if (sample !== null) {
      const [, name = '', labels = '', value] = sample;
      if (!described.has(name) && !described.has(name.replace(/_(bucket|sum|count)$/, '')))
        throw new SyntaxError(`no TYPE before: ${line}`);
      if (samples.has(name + labels)) throw new SyntaxError(`twice: ${line}`);
      samples.set(name + labels, Number(value));
    } else if (comment === null && line !== '') throw new SyntaxError(`not the text format: ${line}`);
  }
  return samples;
}

const scrape = async ({ observation }: Awaited<ReturnType<typeof setUpObservation>>) =>
  parse(await observation.metrics.render());

t.test('what happened before prom-client was loaded is in the first scrape', async (t) => {
  const bench = await setUpObservation();
  bench.failToIssue();
  bench.failToIssue(unreachable());
  bench.observation.issuer('vault-1').stepTook('login', 0.03);
  bench.observation.issuer('vault-1').stepTook('sign', 0.3);
  const generation = await bench.issue();
  bench.failToDeliver(generation);
  bench.deliver(generation);
  t.notOk(loaded.includes('prom-client'), 'prom-client waits until it is wanted');
  const samples = await scrape(bench);
  t.ok(loaded.includes('prom-client'));
  const expected = {
    'meshcert_rotation_failures_total{backend="vault-1",reason="ca_unreachable"}': 2,
    'meshcert_rotations_total{backend="vault-1",reason="start"}': 1,
    'meshcert_issue_duration_seconds_count{backend="vault-1",step="login"}': 1,
    'meshcert_issue_duration_seconds_sum{backend="vault-1",step="sign"}': 0.3,
    'meshcert_issue_duration_seconds_bucket{le="0.05",backend="vault-1",step="login"}': 1,
    'meshcert_issue_duration_seconds_bucket{le="0.025",backend="vault-1",step="login"}': 0,
    [`meshcert_delivery_failures_total{delivery="${FILES}"}`]: 1,
    [`meshcert_delivery_duration_seconds_count{delivery="${FILES}"}`]: 1,
    [`meshcert_delivered_generation{delivery="${FILES}"}`]: 1,
    'meshcert_ca_connected{backend="vault-1"}': 1,
    meshcert_certificate_not_before_timestamp_seconds: Date.parse('2025-12-31T23:59:30Z') / 1000,
    meshcert_certificate_not_after_timestamp_seconds: Date.parse('2026-01-01T01:00:00Z') / 1000,
    meshcert_certificate_rotation_due_timestamp_seconds: Date.parse('2026-01-01T00:48:00Z') / 1000,
    meshcert_trust_bundle_certificates: 1,
    'meshcert_workload_info{mesh="default",spiffe_id="spiffe://default/web"}': 1,
    'meshcert_build_info{version="1.2.3",node="v24.0.0"}': 1,
    process_cpu_seconds_total: 1.5,
    process_resident_memory_bytes: 40_000_000,
    process_start_time_seconds: Date.parse('2026-01-01T00:00:00Z') / 1000,
  };
  for (const [name, value] of Object.entries(expected)) t.equal(samples.get(name), value, name);
});

t.test('counts go on after it was loaded, and a second scrape counts nothing twice', async (t) => {
  const bench = await setUpObservation();
  await bench.observation.metrics.load();
  await bench.issue();
  await scrape(bench);
  await bench.issue();
  const samples = await scrape(bench);
  t.equal(samples.get('meshcert_rotations_total{backend="vault-1",reason="start"}'), 2);
  t.equal(samples.get('process_cpu_seconds_total'), 1.5);
});

t.test('known labels are there from the start, as 0, so that the first event is seen as a rise', async (t) => {
  const samples = await scrape(await setUpObservation());
  for (const name of [
    'meshcert_rotations_total{backend="vault-1",reason="start"}',
    'meshcert_rotations_total{backend="vault-1",reason="due"}',
    'meshcert_rotations_total{backend="vault-1",reason="requested"}',
    'meshcert_rotations_total{backend="vault-1",reason="signal"}',
    'meshcert_rotation_failures_total{backend="vault-1",reason="ca_unreachable"}',
    'meshcert_rotation_failures_total{backend="vault-1",reason="login_denied"}',
    'meshcert_ca_connected{backend="vault-1"}',
    `meshcert_delivery_failures_total{delivery="${FILES}"}`,
    `meshcert_delivery_duration_seconds_count{delivery="${FILES}"}`,
    `meshcert_delivered_generation{delivery="${FILES}"}`,
    'meshcert_certificate_not_after_timestamp_seconds',
    'meshcert_trust_bundle_certificates',
  ]) {
    t.equal(samples.get(name), 0, name);
  }
  t.notOk(samples.has('meshcert_clock_skew_seconds'), 'a skew that nobody knows is not 0');
});

t.test('gauges follow the state: expiry, skew, credentials, an absent CA', async (t) => {
  const bench = await setUpObservation();
  bench.deliver(await bench.issue());
  const issuer = bench.observation.issuer('vault-1');
  issuer.clockSkewSeen(-2.5);
  issuer.credentialExpires('vault_token', Date.parse('2026-01-01T02:00:00Z'));
  bench.failToIssue();
  let samples = await scrape(bench);
  t.equal(samples.get('meshcert_clock_skew_seconds'), -2.5);
  t.equal(
    samples.get('meshcert_credential_expiry_timestamp_seconds{kind="vault_token"}'),
    Date.parse('2026-01-01T02:00:00Z') / 1000,
  );
  t.equal(samples.get('meshcert_ca_connected{backend="vault-1"}'), 0);
  bench.clock.advance(3_600_000);
  bench.observation.delivery.withdrawn({ delivery: FILES });
  samples = await scrape(bench);
  t.equal(samples.get('meshcert_certificate_not_after_timestamp_seconds'), 0, 'there is none in service');
  t.equal(samples.get(`meshcert_delivered_generation{delivery="${FILES}"}`), 0);
  t.equal(samples.get('meshcert_trust_bundle_certificates'), 1, 'peers are verified still');
});

t.test('nothing pretends to be late while mTLS is off', async (t) => {
  const samples = await scrape(await setUpObservation({ backend: undefined }));
  const about = [...samples.keys()].filter((name) => /certificate_not|rotation_due|ca_connected|rotations/.test(name));
  t.same(about, []);
});

t.test('what the configuration no longer names is no longer shown, as it would raise alerts for ever', async (t) => {
  const bench = await setUpObservation({ targets: ['tls:127.0.0.1:10001'], hooks: ['hook:nginx'] });
  const generation = await bench.issue();
  bench.deliver(generation);
  bench.observation.served.served({ target: 'tls:127.0.0.1:10001', generation, seconds: 0.1 });
  bench.observation.issuer('vault-1').credentialExpires('vault_token', 0);
  await scrape(bench);
  const next = { backend: 'ca-2', spiffeId: 'spiffe://default/other', hooks: [], targets: [], deliveries: ['sds'] };
  bench.observation.reconfigured({ ...bench.facts, ...next });
  const labelled = [...(await scrape(bench)).keys()].filter((name) =>
    /^meshcert_(ca_connected|(delivered|served)_generation|credential_expiry|workload)/.test(name),
  );
  t.same(labelled.sort(), [
    'meshcert_ca_connected{backend="ca-2"}',
    'meshcert_delivered_generation{delivery="sds"}',
    'meshcert_workload_info{mesh="default",spiffe_id="spiffe://default/other"}',
  ]);
  bench.observation.reconfigured({ ...bench.facts, backend: undefined });
  t.notOk(
    [...(await scrape(bench)).keys()].some((name) => name.startsWith('meshcert_ca_connected')),
    'mTLS is off',
  );
});

t.test('streams of Envoys rise and fall, what they reject is counted', async (t) => {
  const bench = await setUpObservation();
  const { sds } = bench.observation;
  const read = async () => {
    const samples = await scrape(bench);
    return [samples.get('meshcert_sds_streams'), samples.get('meshcert_sds_rejections_total')];
  };
  sds.rejected();
  t.same(await read(), [0, 1], 'also what happened before prom-client was loaded');
  sds.streamOpened();
  sds.streamOpened();
  sds.streamClosed();
  sds.rejected();
  t.same(await read(), [1, 2]);
});
