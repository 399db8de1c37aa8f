import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { debianProgram } from '../helpers/debian-packages.ts';
import {
  type AlertRule,
  alertOf,
  monitoringFile,
  type RuleFile,
  readAlerts,
  readRuleTests,
} from '../helpers/monitoring-files.ts';
import { plainEnvironment } from '../helpers/process.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const promtool = await debianProgram('promtool', 'prometheus');
const directory = temporaryDirectory(t);
const check = (...args: string[]) => runCommand(promtool, args, { env: plainEnvironment(directory) });

t.test('promtool accepts the rules, and their tests pass', async (t) => {
  await t.resolves(check('check', 'rules', monitoringFile('alerts.yaml')));
  await t.resolves(check('test', 'rules', monitoringFile('alerts.test.yaml')));
});

t.test('a limit, duration or comparison that is a little off fails the tests', async (t) => {
  const { tests, ...settings } = readRuleTests();
  const testFile = join(directory, 'alerts.test.yaml');
  let tried = 0;
  for (const rule of readAlerts()) {
    writeFileSync(testFile, stringify({ ...settings, tests: tests.filter((one) => alertOf(one) === rule.alert) }));
    for (const mutant of mutate(rule)) {
      const file: RuleFile = { groups: [{ name: 'meshcert', rules: [mutant] }] };
      writeFileSync(join(directory, 'alerts.yaml'), stringify(file));
      const what = `${rule.alert}, for ${mutant.for ?? '0m'}: ${mutant.expr}`;
      await t.rejects(check('test', 'rules', testFile), { message: /FAILED/ }, what);
      tried += 1;
    }
  }
  t.ok(tried > 80, `${tried} were tried`);
});

/** `for` a minute longer or shorter, each comparison a little stricter or looser, each limit a tenth and each range a fifth off. */
function mutate(rule: AlertRule): AlertRule[] {
  const minutes = Number.parseInt(rule.for ?? '0', 10);
  const waits = [minutes + 1, minutes - 1].filter((one) => one >= 0).map((one) => ({ ...rule, for: `${one}m` }));
  const { expr } = rule;
  // Of the same length, so that positions stay.
  const bare = expr.replaceAll(/\{[^}]*\}|[a-z]+_[a-z_]+/g, (name) => ' '.repeat(name.length));
  const replace = ({ index, 0: { length } }: RegExpExecArray, text: string) => ({
    ...rule,
    expr: `${expr.slice(0, index)}${text}${expr.slice(index + length)}`,
  });
  const comparisons = [...bare.matchAll(/[<>=]=?/g)].map((found) => replace(found, OTHER_COMPARISON[found[0]] ?? ''));
  const numbers = [...bare.matchAll(/\b(\d[\d.]*)([mh]?)\b/g)].filter(([, digits]) => Number(digits) !== 0);
  const sizes = numbers.flatMap((found) => [-1, 1].map((sign) => replace(found, change(found, sign))));
  return [...waits, ...comparisons, ...sizes];
}

const OTHER_COMPARISON: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=' };

function change([, digits, unit]: RegExpExecArray, sign: number): string {
  const size = Number(digits);
  if (unit === '') return String(size * (1 + 0.1 * sign));
  return `${size * (unit === 'h' ? 3600 : 60) * (1 + 0.2 * sign)}s`;
}
