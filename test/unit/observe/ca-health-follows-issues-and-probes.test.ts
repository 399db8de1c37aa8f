import t from 'tap';
import { AgentError } from '../../../src/errors.ts';
import { renderHealth } from '../../../src/observe/health.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';

const MINUTE_MS = 60_000;
const sealed = new AgentError('ERR_CA_UNAVAILABLE', 'Vault is sealed', { remedy: 'unseal it' });

t.test(
  'what a probe finds is in the status, the metric and the details of readiness, and readiness stays',
  async (t) => {
    const { clock, observation, issue, deliver } = await setUpObservation();
    deliver(await issue());
    clock.advance(MINUTE_MS);
    observation.health.unhealthy('vault-1', sealed);
    clock.advance(MINUTE_MS);
    observation.health.unhealthy('vault-1', sealed);
    const since = '2026-01-01T00:01:00.000Z';
    t.same(observation.status().ca, { state: 'Unknown', since, reason: 'Vault is sealed' });
    t.match(await observation.metrics.render(), 'meshcert_ca_connected{backend="vault-1"} 0');
    t.ok(observation.ready().ok);
    t.match(renderHealth(observation.ready()), `\n[i] CA of vault-1: Unknown since ${since}: Vault is sealed\n`);

    observation.health.healthy('vault-1');
    t.same(observation.status().ca, { state: 'Connected', since: '2026-01-01T00:02:00.000Z' });
    t.match(await observation.metrics.render(), 'meshcert_ca_connected{backend="vault-1"} 1');
  },
);

t.test('while issues fail, a CA that seems well is not Connected', async (t) => {
  const { observation, issue, failToIssue } = await setUpObservation();
  await issue();
  failToIssue();
  observation.health.healthy('vault-1');
  t.match(observation.status().ca, { state: 'Unknown', reason: 'no answer from the CA' });
  observation.health.unhealthy('vault-1', sealed);
  t.match(observation.status().ca, { reason: 'no answer from the CA' }, 'what an issue met tells more');
  await issue();
  t.equal(observation.status().ca.state, 'Connected');
});

t.test('another CA is not asked yet, and what is told of the one before is passed over', async (t) => {
  const { observation, issue, facts } = await setUpObservation();
  await issue();
  observation.reconfigured({ ...facts, backend: 'ca-2' });
  t.match(observation.status().ca, { state: 'Unknown', reason: 'not asked yet' });
  observation.health.healthy('vault-1');
  t.equal(observation.status().ca.state, 'Unknown');
  observation.health.healthy('ca-2');
  t.equal(observation.status().ca.state, 'Connected');
});
