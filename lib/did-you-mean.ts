/** What somebody may have meant who wrote another name. */

/** So long are the names that are looked at, since the work grows with the square of it. */
const MAX_LENGTH = 64;

/** The one that is nearest, if one is near enough to be a slip of the fingers. */
export function nearest(written: string, names: Iterable<string>): string | undefined {
  const most = written.length < 4 ? 1 : 2;
  let best: string | undefined;
  let least = most + 1;
  for (const name of names) {
    if (name === written || name.length > MAX_LENGTH || written.length > MAX_LENGTH) continue;
    // So many are to be added or left out at least.
    if (Math.abs(name.length - written.length) > most) continue;
    const edits = editsBetween(written.toLowerCase(), name.toLowerCase());
    if (edits < least) [best, least] = [name, edits];
  }
  return best;
}

/** Letters to change, add, leave out, or swap with the next: optimal string alignment. */
function editsBetween(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const at = (up: number, left: number): number =>
        (up === 0 ? row : rows[i - up])?.[j - left] ?? Infinity;
      const isSame = a[i - 1] === b[j - 1];
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + (isSame ? 0 : 1), isSwap ? at(2, 2) + 1 : Infinity),
      );
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? Infinity;
}
