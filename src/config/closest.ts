/**
 * The candidate nearest to a mistyped key, or undefined when none is near: at most two slips for every six letters, or
 * the same last part under another group (`grase` finds `grace`, `suspend_mode` finds `policy.suspend_mode`).
 */
export const closest = (typed: string, candidates: readonly string[]): string | undefined => {
  const plain = (key: string): string =>
    key
      .toLowerCase()
      .replace(/\[\d*\]/g, '[]')
      .replaceAll('-', '_');
  const wanted = plain(typed);
  const lastPart = wanted.split('.').at(-1);
  const elsewhere = candidates.find((candidate) => plain(candidate).split('.').at(-1) === lastPart);
  if (elsewhere !== undefined) return elsewhere;
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: { readonly candidate: string; readonly slips: number } | undefined;
  for (const candidate of candidates) {
    const slips = distance(wanted, plain(candidate));
    if (slips <= limit && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { candidate, slips };
  }
  return best?.candidate;
};

/** Levenshtein's distance: insertions, deletions and replacements from one to the other. */
const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
};
