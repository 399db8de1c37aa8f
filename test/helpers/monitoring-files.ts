import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

/** One alert of `monitoring/alerts.yaml`. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

/** `monitoring/alerts.test.yaml`, in the form of promtool. */
export interface RuleTestFile {
  readonly rule_files: readonly string[];
  readonly tests: readonly {
    /** The alert, and in brackets what sets the test apart. */
    readonly name: string;
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
  }[];
}

/** What our tests read of a dashboard of Grafana. */
export interface Dashboard {
  readonly uid: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly datasource?: { readonly uid: string };
    readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const ROOT = resolve(import.meta.dirname, '../..');

/** The absolute path of a file in `monitoring`. */
export function monitoringFile(name: string): string {
  return resolve(ROOT, 'monitoring', name);
}

export function readAlerts(): AlertRule[] {
  return readRuleFile().groups.flatMap(({ rules }) => rules);
}

export function readRuleFile(): RuleFile {
  return parse(readFileSync(monitoringFile('alerts.yaml'), 'utf8'));
}

export function readRuleTests(): RuleTestFile {
  return parse(readFileSync(monitoringFile('alerts.test.yaml'), 'utf8'));
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(monitoringFile('dashboard.json'), 'utf8'));
}

/** The alert that a test of {@link RuleTestFile} is about. */
export function alertOf({ name }: RuleTestFile['tests'][number]): string {
  return name.split(' (', 1)[0] ?? name;
}
