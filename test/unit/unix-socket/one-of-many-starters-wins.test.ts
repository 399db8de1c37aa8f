import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { askSocket } from '../../helpers/ask-socket.ts';
import type { SocketKind } from '../../helpers/socket-starter.ts';
import { startSocketStarters } from '../../helpers/socket-starters.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const STARTERS = 8;
const ROUNDS = 24;

/** What may lie at a path when an agent starts. */
const LEFT = ['nothing', 'the socket of a killed one', 'that, and what one left that was killed while it replaced it'];

/** Leaves at each path what its number in {@link LEFT} says. */
async function leave(t: Test, paths: readonly string[]): Promise<void> {
  const [first, second] = await startSocketStarters(t, 2);
  for (const [i, path] of paths.entries()) {
    if (i % LEFT.length >= 1) t.equal(await first?.open({ kind: 'grpc', path }), undefined);
  }
  await first?.kill();
  for (const [i, path] of paths.entries()) {
    if (i % LEFT.length >= 2) t.equal(await second?.open({ kind: 'halfway', path }), undefined);
  }
  await second?.kill();
}

for (const kind of ['admin', 'grpc'] satisfies SocketKind[]) {
  t.test(`${kind}: of many that start together one gets the socket, whatever was left there`, async (t) => {
    const directory = temporaryDirectory(t);
    const paths = Array.from({ length: ROUNDS }, (_, round) => join(directory, `${round}`, 's.sock'));
    await leave(t, paths);
    const starters = await startSocketStarters(t, STARTERS);
    for (const [round, path] of paths.entries()) {
      const answers = await Promise.all(starters.map((starter) => starter.open({ kind, path })));
      const winners = starters.filter((_, i) => answers[i] === undefined);
      t.equal(winners.length, 1, `one of ${STARTERS}, where was ${LEFT[round % LEFT.length]}`);
      const who = kind === 'admin' ? `another agent (spiffe://default/web, pid ${winners[0]?.pid})` : 'another program';
      for (const answer of answers) {
        if (answer === undefined) continue;
        t.match(answer, { code: 'ERR_LISTEN', line: ` ${path}: ${who} answers there; end it, or set ` });
      }
      t.same(readdirSync(dirname(path)), ['s.sock'], 'nothing else is left');
      t.equal((await starters[0]?.open({ kind, path }))?.code, 'ERR_LISTEN', 'it answers');
      if (kind === 'grpc') continue;
      const { text } = await askSocket(path, 'GET', '/status');
      t.equal(JSON.parse(text).agent.pid, winners[0]?.pid, 'that one answers');
    }
  });
}

t.test('a killed one is replaced at once, again and again', async (t) => {
  const path = join(temporaryDirectory(t), 's.sock');
  for (const starter of await startSocketStarters(t, 4)) {
    t.equal(await starter.open({ kind: 'grpc', path }), undefined);
    await starter.kill();
    t.ok(lstatSync(path).isSocket(), 'it is left');
  }
});

t.test('whoever is about to replace a socket is not overtaken, and when it is killed stops nobody', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 's.sock');
  const [killed, halfway, other] = await startSocketStarters(t, 3);
  await killed?.open({ kind: 'grpc', path });
  await killed?.kill();
  const left = lstatSync(path).ino;

  t.equal(await halfway?.open({ kind: 'halfway', path }), undefined);
  t.match(await other?.open({ kind: 'grpc', path }), { code: 'ERR_LISTEN', line: 'another program answers there' });
  t.equal(lstatSync(path).ino, left, 'the path is as it was');

  await halfway?.kill();
  t.equal(readdirSync(directory).length, 2, 'something is left of it');
  t.equal(await other?.open({ kind: 'grpc', path }), undefined);
  t.same(readdirSync(directory), ['s.sock']);
});

t.test('a claim that was emptied stops nobody', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 's.sock');
  const [killed, halfway, other] = await startSocketStarters(t, 3);
  await killed?.open({ kind: 'grpc', path });
  await killed?.kill();
  await halfway?.open({ kind: 'halfway', path });
  await halfway?.kill();
  for (const name of readdirSync(directory)) {
    if (name !== 's.sock') for (const file of readdirSync(join(directory, name))) rmSync(join(directory, name, file));
  }
  t.equal(readdirSync(directory).length, 2);
  t.equal(await other?.open({ kind: 'grpc', path }), undefined);
  t.same(readdirSync(directory), ['s.sock']);
});
