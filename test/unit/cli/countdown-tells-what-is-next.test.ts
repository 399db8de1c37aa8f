import t from 'tap';
import { describeCountdown } from '../../../src/cli/describe-countdown.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';

t.test('what is in service, until when, and what is in the way', async (t) => {
  const { observation, clock, issue, deliver, failToIssue, failToDeliver } = await setUpObservation();
  const say = () => describeCountdown(observation.status(), clock.nowMs());
  t.equal(say(), 'spiffe://default/web: no certificate yet');
  failToIssue();
  t.equal(say(), 'spiffe://default/web: no certificate yet, ERR_CA_UNREACHABLE, tries again in 5s');
  const first = await issue();
  failToDeliver(first);
  t.match(say(), ': generation 1, rotates in 48m, expires in 1h, not delivered, ERR_DELIVERY, tries again in 5s');
  deliver(first);
  t.equal(say(), 'spiffe://default/web: generation 1, rotates in 48m, expires in 1h');
  observation.health.unhealthy('vault-1', { message: 'sealed' } as never);
  t.match(say(), 'expires in 1h, CA unknown');
  clock.advance(48 * 60_000);
  t.match(say(), 'rotates now, expires in 12m');
  clock.advance(12 * 60_000);
  t.match(say(), 'certificate expired');
});

t.test('where mTLS is off there is nothing to count', async (t) => {
  const { observation, clock } = await setUpObservation({ backend: undefined });
  t.equal(describeCountdown(observation.status(), clock.nowMs()), 'spiffe://default/web: mTLS is off');
});
