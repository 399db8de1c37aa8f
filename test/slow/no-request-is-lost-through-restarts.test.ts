import t from 'tap';
import { runThroughRestarts } from '../helpers/run-through-restarts.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const SECONDS = 60;

t.setTimeout(180_000);

t.test('a minute of rotations, with agents and Envoys restarted again and again', async (t) => {
  const outcome = await runThroughRestarts(t, {
    directory: temporaryDirectory(t),
    secrets: 'sds',
    seconds: SECONDS,
    rotateEverySeconds: 2,
    restartAgentEverySeconds: 10,
    restartEnvoyEverySeconds: 15,
  });
  const { requests, answered, refused, reset, lost, books, certificates, rotations, agentRestarts, envoyRestarts } =
    outcome;
  t.same(
    lost.slice(0, 5),
    [],
    `${answered} of ${requests} were answered, ${refused} refused and ${reset} reset while nobody listened`,
  );
  t.equal(answered + refused + reset, requests);
  t.ok(agentRestarts >= 2, `agents were restarted ${agentRestarts} times, each of them`);
  t.ok(envoyRestarts >= 2, `Envoys were restarted ${envoyRestarts} times, each of them`);
  t.equal(books.length, envoyRestarts + 2, 'every life of an Envoy is in the books');
  t.ok(books.every(({ accepted }) => accepted > 0));
  t.ok(certificates > 2 + agentRestarts, `${certificates} certificates were in use, ${rotations} came by rotations`);
});
