import type { Dashboard } from './monitoring-files.ts';

/** The row that is about no agent. */
export const SERVICES_ROW = 'Webhook and signer';

/** The queries of a dashboard as Grafana sends them, once its variables have values. */
export interface DashboardQuery {
  readonly title: string;
  /** Of which row. */
  readonly row: string;
  readonly expression: string;
}

/** @param values by the name of the variable, without `$`. */
export function listQueries({ panels }: Dashboard, values: Readonly<Record<string, string>>): DashboardQuery[] {
  return panels.flatMap(({ title, targets = [] }, index) => {
    const row = panels.slice(0, index).findLast(({ type }) => type === 'row')?.title ?? '';
    return targets.map(({ expr }) => ({ title, row, expression: fillIn(expr, values) }));
  });
}

/** What each variable is chosen from: the values of a label of a selector, as an expression that groups by it. */
export function listChoices({ templating }: Dashboard, values: Readonly<Record<string, string>>): DashboardQuery[] {
  return templating.list.flatMap(({ name, definition }) => {
    if (definition === undefined) return [];
    const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
    if (selector === undefined) throw new Error(`${name}: ${definition}`);
    return [{ title: name, row: '', expression: fillIn(`group by (${label}) (${selector})`, values) }];
  });
}

function fillIn(expression: string, values: Readonly<Record<string, string>>): string {
  return expression.replaceAll(/\$(\w+)/g, (whole, name: string) => values[name] ?? whole);
}
