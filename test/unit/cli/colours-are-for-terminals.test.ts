import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { layOutTable } from '../../../src/cli/lay-out-table.ts';
import { openPaint } from '../../../src/cli/paint.ts';

t.test('colours come on a terminal that has them, for whoever wants them', async (t) => {
  const paint = (isTerminal: boolean, environment: Record<string, string> = {}) =>
    openPaint(isTerminal, { environment })('red', 'x');
  t.equal(paint(true), '\u001b[31mx\u001b[39m');
  t.equal(paint(true, { NO_COLOR: '' }), paint(true), 'set to nothing is not set, as the convention has it');
  t.equal(paint(false), 'x');
  t.equal(paint(true, { NO_COLOR: '1' }), 'x');
  t.equal(paint(true, { TERM: 'dumb' }), 'x');
});

t.test('a coloured table is as wide as a plain one', async (t) => {
  const rows = [
    ['POD', 'STATE', 'LAST ERROR'],
    ['web', 'EXPIRED', '-'],
    ['a-long-name', 'OK', 'away'],
  ];
  const paint = openPaint(true, { environment: {} });
  const coloured = layOutTable(rows, (cell, row, column) => (row > 0 && column === 1 ? paint('red', cell) : cell));
  const plain = layOutTable(rows);
  t.not(coloured, plain);
  t.equal(stripVTControlCharacters(coloured), plain);
  t.equal(plain, 'POD           STATE     LAST ERROR\nweb           EXPIRED   -\na-long-name   OK        away\n');
});
