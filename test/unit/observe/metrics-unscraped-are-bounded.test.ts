import { registerHooks } from 'node:module';
import t from 'tap';
import { eventually } from '../../helpers/eventually.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';

t.test('events are not kept without limit when nobody ever scrapes, and none is lost', async (t) => {
  const loaded: string[] = [];
  registerHooks({
    resolve(specifier, context, next) {
      loaded.push(specifier);
      return next(specifier, context);
    },
  });
  const { observation, failToIssue } = await setUpObservation();
  for (let failure = 0; failure < 999; failure += 1) failToIssue();
  await new Promise(setImmediate);
  t.notOk(loaded.includes('prom-client'));
  for (let failure = 0; failure < 501; failure += 1) failToIssue();
  await eventually('prom-client is loaded', () => loaded.includes('prom-client'));
  t.match(
    await observation.metrics.render(),
    /^meshcert_rotation_failures_total\{backend="vault-1",reason="ca_unreachable"\} 1500$/m,
  );
});
