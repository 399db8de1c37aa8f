/**
 * Rows under their titles, as `kumactl` and `kubectl` lay them out: cells as wide as the widest of their column.
 *
 * @param rows the titles first.
 * @param decorate adds to a cell what takes no room, such as colours.
 */
export function layOutTable(
  rows: readonly (readonly string[])[],
  decorate: (cell: string, row: number, column: number) => string = (cell) => cell,
): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((cells, row) => {
    const last = cells.length - 1;
    const padded = cells.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0)));
    return padded.map((cell, column) => decorate(cell, row, column)).join('   ');
  });
  return `${lines.join('\n')}\n`;
}
