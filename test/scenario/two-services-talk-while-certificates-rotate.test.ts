import t from 'tap';
import { twoServicesTalk } from './two-services-talk.ts';

t.test('two services talk while their certificates rotate', async (t) => {
  // The one test that takes the documented mount on the shared Vault.
  const { backend } = await twoServicesTalk(t, { grant: 'sign' });

  await t.test('what the documented role does that it should not is said, once each', async (t) => {
    const warnings = backend.agent.log().filter(({ level }) => level === 'warn');
    t.match(
      warnings.map(({ event }) => event),
      [/without key usage/],
    );
    t.equal(warnings.length, 1);
  });
});
