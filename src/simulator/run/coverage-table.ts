const PHASES = [
  ...['no daemon', 'running', 'off', 'new owner', 'stopping', 'suspended', 'destroying', 'quarantined', 'restoring'],
  ...['creating', 'gone'],
] as const;

/** Which fault met machines in which state, and how often; then what was done, by whom. A zero was never tried. */
export const coverageTable = (counts: ReadonlyMap<string, number>): string => {
  const faults = [
    ...new Set([...counts.keys()].flatMap((key) => (key.startsWith('met\t') ? [key.split('\t')[1] ?? ''] : []))),
  ].sort();
  const cell = (fault: string, phase: string): number => counts.get(`met\t${fault}\t${phase}`) ?? 0;
  const rows = faults.map((fault) => [fault, ...PHASES.map((phase) => String(cell(fault, phase)))]);
  const zeros = faults.flatMap((fault) =>
    PHASES.filter((phase) => cell(fault, phase) === 0).map((phase) => `${fault}/${phase}`),
  );
  const table = [['fault met', ...PHASES], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length))) ?? [];
  const lines = table.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const did = [...counts]
    .filter(([key]) => key.startsWith('did\t'))
    .map(([key, count]) => `${key.split('\t').slice(1).join(' ')} ${count}`)
    .sort();
  return [
    ...lines,
    `cells: ${faults.length * PHASES.length}, of them zero: ${zeros.length}`,
    `deeds: ${did.join(', ')}`,
  ].join('\n');
};
