import type { VirshShells } from '../../../../src/drivers/virsh/shells.ts';
import type { RunVirsh, VirshResult } from '../../../../src/drivers/virsh/virsh-result.ts';

/** What virsh is to say to one command: its output, or an error as it prints them. */
export type Saying = string | { readonly error: string } | { readonly timedOut: true };

/** Shells that answer by the first word of a command; `said` is every command in order. */
export const scriptedShells = (sayings: (argv: readonly string[]) => Saying) => {
  const said: string[] = [];
  const run: RunVirsh = async (argv) => {
    said.push(argv[0] ?? '');
    const saying = sayings(argv);
    const result: VirshResult = { ok: true, stdout: '', stderr: '', timedOut: false, died: false, durationMs: 1 };
    if (typeof saying === 'string') return { ...result, stdout: saying };
    if ('timedOut' in saying) return { ...result, ok: false, timedOut: true };
    return { ...result, ok: false, stderr: `error: ${saying.error}\n` };
  };
  const shells: VirshShells = { read: run, mutate: run, agent: run, close: () => undefined };
  return { shells, said };
};
