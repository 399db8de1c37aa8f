import t from 'tap';
import { uniqueName } from '../helpers/unique-name.ts';
import { twoServicesTalk } from './two-services-talk.ts';

t.test('two services talk where the policy is that of the document, which grants issue alone', async (t) => {
  const mount = uniqueName('pki');
  const { backend } = await twoServicesTalk(t, { grant: 'issue', mount });

  await t.test('that the CA makes the keys is said once, with what to grant', async (t) => {
    const said = backend.agent.log().filter(({ event }) => event.includes('private key'));
    t.match(said, [{ level: 'warn', remedy: `grant: path "${mount}/sign/dataplanes"` }]);
    t.equal(said.length, 1);
  });
});
