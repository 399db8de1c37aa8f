import t from 'tap';
import { type Outcome, openExamination } from '../../../src/doctor/examination.ts';
import { AgentError } from '../../../src/errors.ts';

const pass = <T>(value: T): Outcome<T> => ({ verdict: 'pass', cause: 'well', value });

t.test('a check gets what those that it needs have found', async (t) => {
  const examination = openExamination();
  const one = await examination.check('one', [], () => pass(1));
  const two = await examination.check('two', [one], async (value) => pass(value + 1));
  t.equal(two.value, 2);
  t.same(examination.findings, [
    { check: 'one', verdict: 'pass', cause: 'well' },
    { check: 'two', verdict: 'pass', cause: 'well' },
  ]);
});

t.test('what fails is named to all that wait for it, however far behind', async (t) => {
  const examination = openExamination();
  const one = await examination.check<[], number>('one', [], () => {
    throw new AgentError('ERR_SOURCE', 'no such file', { remedy: 'make it' });
  });
  const two = await examination.check('two', [one], pass);
  await examination.check('three', [two], pass);
  t.same(examination.findings, [
    { check: 'one', verdict: 'fail', cause: 'no such file', remedy: 'make it' },
    { check: 'two', verdict: 'skip', cause: 'not tried: it waits for one', waitsFor: 'one' },
    { check: 'three', verdict: 'skip', cause: 'not tried: it waits for one', waitsFor: 'one' },
  ]);
});

t.test('a failure that leaves something to go on with holds up nobody', async (t) => {
  const examination = openExamination();
  const one = await examination.check('one', [], () => ({ verdict: 'fail', cause: 'ill', value: 1 }) as const);
  const two = await examination.check('two', [one], pass);
  t.equal(two.value, 1);
});

t.test('a mistake of ours is one line', async (t) => {
  const examination = openExamination();
  await examination.check('one', [], () => {
    throw new TypeError('x is not a function\n    at somewhere');
  });
  t.same(examination.findings, [{ check: 'one', verdict: 'fail', cause: 'unexpected: x is not a function' }]);
});

t.test('what others have put into it is text, and does nothing to a terminal', async (t) => {
  const examination = openExamination();
  const hostile = 'a\u001b[2J\r\nb\u0007';
  await examination.check('one', [], () => ({ verdict: 'warn', cause: hostile, remedy: hostile, command: hostile }));
  t.same(examination.findings, [
    { check: 'one', verdict: 'warn', cause: 'a [2J b ', remedy: 'a [2J b ', command: 'a [2J \nb ' },
  ]);
  await examination.check('two', [], () => ({ verdict: 'pass', cause: 'x'.repeat(9_999) }));
  t.equal(examination.findings[1]?.cause.length, 1_000);
});
