/** One line of the result. Nothing here fails on a figure. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly meshcert: number;
  /** What it is compared with, measured in the same run. Missing: nothing. */
  readonly against?: { readonly name: string; readonly figure: number };
}

const WIDTH = 84;

/** The smallest value that `share` of all do not exceed; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function renderJson(rows: readonly Row[]): string {
  return `${JSON.stringify(rows.map(withRatio), undefined, 2)}\n`;
}

export function renderTable(rows: readonly Row[]): string {
  const lines = rows.map(withRatio).map(({ what, unit, meshcert, against, ratio }) => {
    const figure = against && `${against.figure.toFixed(2)} ${against.name}`;
    const cells = [what.padEnd(WIDTH), meshcert.toFixed(2).padStart(10), unit.padEnd(8)];
    return [...cells, ...(figure === undefined ? [] : [figure.padEnd(30), `${ratio?.toFixed(2)}x`])]
      .join(' ')
      .trimEnd();
  });
  const header = ['what'.padEnd(WIDTH), 'meshcert'.padStart(10), ' '.repeat(8), 'against'.padEnd(30), 'ratio'].join(
    ' ',
  );
  return `${[header, ...lines].join('\n')}\n`;
}

function withRatio(row: Row): Row & { readonly ratio?: number } {
  return row.against === undefined ? row : { ...row, ratio: row.meshcert / row.against.figure };
}
