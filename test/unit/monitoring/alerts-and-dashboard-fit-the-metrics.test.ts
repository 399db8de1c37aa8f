import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { makeInstruments as makeSignerInstruments } from '../../../src/signer/instruments.ts';
import { makeInstruments as makeWebhookInstruments } from '../../../src/webhook/instruments.ts';
import { alertOf, monitoringFile, readAlerts, readDashboard, readRuleTests } from '../../helpers/monitoring-files.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/monitoring.md'), 'utf8');
const { observation } = await setUpObservation();
const registries = [
  makeWebhookInstruments({ version: '1', nodeVersion: 'v24' }),
  makeSignerInstruments([], '1', 'v24'),
];
const scrapes = [observation.metrics.render(), ...registries.map(({ registry }) => registry.metrics())];
const types = [...(await Promise.all(scrapes)).join('\n').matchAll(/^# TYPE (\w+) (\w+)$/gm)];
const metrics = types.map(([, name = '']) => name);
/** As Prometheus stores them. */
const series = new Set(
  types.flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);

function findNames(text: string): string[] {
  return text.match(/\b(?:meshcert|process)_[a-z_]+\b/g) ?? [];
}

function isOfAgents(alert: string): boolean {
  return !/^Meshcert(Webhook|Signer)/.test(alert);
}

t.test('alerts, their tests, the dashboard and the page name no metric that nobody has', (t) => {
  t.ok(series.has('meshcert_issue_duration_seconds_bucket') && series.size > 20);
  for (const name of ['alerts.yaml', 'alerts.test.yaml', 'dashboard.json']) {
    const named = findNames(readFileSync(monitoringFile(name), 'utf8'));
    t.ok(named.length > 20, name);
    t.same(
      [...new Set(named)].filter((one) => !series.has(one)),
      [],
      name,
    );
  }
  t.same(
    findNames(page).filter((one) => !series.has(one)),
    [],
    'docs/monitoring.md',
  );
  t.end();
});

t.test('each alert is about our metrics, or whether they can be scraped', (t) => {
  const alerts = readAlerts();
  t.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length, 'no name is there twice');
  for (const { alert, expr, labels, annotations } of alerts) {
    t.match(alert, /^Meshcert[A-Z]\w+$/);
    t.ok(findNames(expr).length > 0 || /\bup\{job=/.test(expr), `${alert}: ${expr}`);
    t.ok(['critical', 'warning'].includes(labels.severity ?? ''), `${alert} has a severity`);
    t.same(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert);
    const whose = isOfAgents(alert) ? 'pod $labels.instance' : 'namespace $labels.job';
    t.ok(
      annotations.summary?.startsWith(`{{ or $labels.${whose} }}: `),
      `${alert} says of whom, in a cluster or elsewhere`,
    );
  }
  t.end();
});

t.test('the alerts on webhook and signer are about all replicas together', (t) => {
  const others = readAlerts().filter(({ alert }) => !isOfAgents(alert));
  t.ok(others.length > 5);
  for (const { alert, expr } of others) {
    const groups = [...expr.matchAll(/\b(?:by|without) \((.*?)\)/g)].map(([text]) => text);
    const labels = alert.startsWith('MeshcertSigner') ? 'cluster, namespace, job, mesh' : 'cluster, namespace, job';
    t.ok(groups.length > 0 && groups.every((text) => text.startsWith(`by (${labels}`)), `${alert}: ${expr}`);
  }
  t.end();
});

t.test('each alert has what to do about it, and nothing else has', (t) => {
  const runbook = page.slice(page.indexOf('## What to do about each alert'));
  const chapters = runbook.split('\n### ').slice(1);
  const byAlert = new Map(chapters.map((text) => [text.split('\n', 1)[0] ?? '', text]));
  const alerts = readAlerts();
  t.same([...byAlert.keys()].sort(), alerts.map(({ alert }) => alert).sort());
  for (const { alert, annotations } of alerts) {
    t.equal(annotations.runbook_url, `docs/monitoring.md#${alert.toLowerCase()}`);
    for (const part of ['Means', 'Look at', 'Run']) t.match(byAlert.get(alert), `- **${part}:** `, `${alert}: ${part}`);
  }
  t.end();
});

t.test('each alert is seen to fire and to be silent', (t) => {
  const { tests } = readRuleTests();
  const alerts = readAlerts().map(({ alert }) => alert);
  t.same([...new Set(tests.map(alertOf))].sort(), alerts.sort());
  for (const one of tests) {
    const expected = one.alert_rule_test.map(({ exp_alerts }) => exp_alerts.length);
    t.ok(
      one.alert_rule_test.every(({ alertname }) => alertname === alertOf(one)),
      one.name,
    );
    t.ok(expected.includes(0), `${one.name}: silent`);
    t.ok(expected.includes(2), `${one.name}: fires, in a cluster and elsewhere`);
  }
  t.end();
});

t.test('the dashboard holds together, and shows each metric', (t) => {
  const { panels, templating } = readDashboard();
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'no id is there twice');
  const variables = new Set(templating.list.map(({ name }) => name));
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const asked = [...queries, ...templating.list.map(({ definition = '' }) => definition)];
  const used = asked.flatMap((text) => [...text.matchAll(/\$(\w+)/g)].map(([, name = '']) => name));
  t.same(
    [...new Set(used)].filter((name) => name !== '__rate_interval' && !variables.has(name)),
    [],
  );
  for (const { type, title, datasource, targets = [] } of panels.filter((panel) => panel.type !== 'row')) {
    t.match(datasource?.uid, /^\$\{datasource\}$/, `${title} asks the data source that was chosen`);
    t.ok(targets.length > 0, `${title} asks something`);
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    for (const { expr } of targets) t.ok(findNames(expr).length > 0, `${title} (${type}): ${expr}`);
  }
  const shown = new Set(queries.flatMap(findNames).map((name) => name.replace(/_(bucket|sum|count)$/, '')));
  t.same(
    metrics.filter((name) => !shown.has(name)),
    [],
  );
  t.end();
});

t.test('no panel lies on another', (t) => {
  const { panels } = readDashboard();
  for (const [index, { title, gridPos: a }] of panels.entries()) {
    t.ok(a.x + a.w <= 24, `${title} fits`);
    const over = panels.slice(index + 1).filter(({ gridPos: b }) => {
      return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
    });
    t.same(
      over.map((panel) => panel.title),
      [],
      title,
    );
  }
  t.end();
});
