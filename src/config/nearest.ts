/**
 * The known word that somebody most likely meant.
 *
 * @returns undefined when none is near enough to be worth naming.
 */
export function findNearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const longer = Math.max(wanted.length, candidate.length);
    const distance = measureDistance(wanted, candidate);
    const isNear = distance <= Math.max(1, Math.floor(longer * 0.4)) || beginAlike(wanted, candidate);
    if (isNear && distance < longer && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { name, distance };
    }
  }
  return best?.name;
}

/** `expiry` for `expiration`, `socketPath` for `socket`. */
function beginAlike(one: string, other: string): boolean {
  let alike = 0;
  while (alike < one.length && one[alike] === other[alike]) alike += 1;
  const isWhole = alike === Math.min(one.length, other.length);
  return alike >= 3 && (isWhole || alike * 2 >= Math.max(one.length, other.length));
}

/** Letters to insert, drop, replace, or swap with their neighbour (optimal string alignment). */
function measureDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + cost,
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
