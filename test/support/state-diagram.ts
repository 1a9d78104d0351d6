import { ROWS } from '../../src/domain/decide.ts';

/** The decision table as a Mermaid state diagram; ARCHITECTURE.md holds exactly this. */
export const stateDiagram = (): string => {
  const edges = new Map<string, string[]>();
  for (const { state, row, to } of ROWS) {
    const edge = `${state} --> ${to}`;
    edges.set(edge, [...(edges.get(edge) ?? []), row]);
  }
  const lines = [...edges].map(([edge, rows]) => `    ${edge}: ${rows.join(', ')}`);
  return [
    'stateDiagram-v2',
    '    [*] --> stranger: a domain the journal does not know',
    '    stranger --> running: adopted',
    ...lines,
    '    gone --> [*]',
  ].join('\n');
};
