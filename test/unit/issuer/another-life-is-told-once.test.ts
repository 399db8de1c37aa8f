import t from 'tap';
import { openLifetimeWatch } from '../../../src/issuer/lifetime.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

function setUp() {
  const log = openRecordingLog();
  const watch = openLifetimeWatch(log, {
    backend: 'vault-1',
    raise: (seconds) => `vault patch pki/roles/mesh max_ttl=${seconds}s`,
  });
  const see = (askedSeconds: number, gotSeconds: number, fullSeconds?: number) =>
    watch({ askedSeconds, gotSeconds, fullSeconds });
  return { log, see };
}

t.test('a clearly shorter life is told once, with the command that mends it', async (t) => {
  const { log, see } = setUp();
  see(86_400, 3600);
  see(86_400, 3599.2);
  t.equal(log.lines.length, 1);
  t.match(
    log.lines[0],
    /WARN .*backend=vault-1 askedSeconds=86400 gotSeconds=3600 .*vault patch pki\/roles\/mesh max_ttl=86400s/,
  );
});

t.test('where less is asked for to spread a fleet, what is told is the life that is configured', async (t) => {
  const { log, see } = setUp();
  see(43_200, 3600, 86_400);
  see(86_400, 3600);
  t.equal(log.lines.length, 1, 'the next one is nothing new');
  t.match(log.lines[0], /askedSeconds=86400 gotSeconds=3600 .*max_ttl=86400s/);
  const other = setUp();
  other.see(43_200, 43_200, 86_400);
  t.same(other.log.lines, [], 'and nothing, when it got that');
});

t.test('a change is told again', async (t) => {
  const { log, see } = setUp();
  see(86_400, 3600);
  see(86_400, 7200);
  see(43_200, 7200);
  see(43_200, 43_200);
  see(43_200, 7200);
  t.equal(log.lines.length, 4);
});

t.test('a clearly longer life is told once, too', async (t) => {
  const { log, see } = setUp();
  see(3600, 86_400);
  see(3600, 86_399);
  see(3600, 3659);
  t.equal(log.lines.length, 1);
  t.match(log.lines[0], /longer-lived than asked.*askedSeconds=3600 gotSeconds=86400 .*compare what the CA issues/);
});

t.test('a moment that is asked for is the same life, whenever it is asked for', async (t) => {
  const { log, see } = setUp();
  see(3600, 600);
  see(3599.2, 599.2);
  t.equal(log.lines.length, 1);
});

t.test('what rounding takes away is nothing', async (t) => {
  const { log, see } = setUp();
  see(86_400, 86_341);
  see(15, 13.6);
  see(5, 3.1);
  t.same(log.lines, []);
  see(86_400, 86_339);
  see(15, 12.9);
  t.equal(log.lines.length, 2);
});
