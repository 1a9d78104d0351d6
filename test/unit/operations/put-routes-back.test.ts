import { describe, expect, it } from 'vitest';
import { RootAgentError } from '../../../src/domain/errors.ts';
import { foldJournal } from '../../../src/domain/journal/fold.ts';
import { EMPTY_JOURNAL, type JournalState } from '../../../src/domain/journal/memory.ts';
import { putRoutesBack } from '../../../src/operations/put-routes-back.ts';
import { createModelLog } from '../../models/model-log.ts';

const uuidOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const state = (ipv6: readonly string[]): JournalState =>
  ipv6.reduce(
    (before, ipv6Address, n) =>
      foldJournal(
        before,
        {
          kind: 'machine-known',
          uuid: uuidOf(n),
          name: `vm-${n}`,
          machineClass: { kind: 'record-only' },
          details: { owner: '', username: 'user', ipAddress: '', ipv6Address },
          how: 'test',
        } as Parameters<typeof foldJournal>[1],
        0,
      ),
    EMPTY_JOURNAL,
  );

const run = async (ipv6: readonly string[], fails: (address: string) => Error | undefined = () => undefined) => {
  const added: string[] = [];
  const log = createModelLog();
  const add = async (address: string): Promise<void> => {
    const error = fails(address);
    if (error) throw error;
    added.push(address);
  };
  const hostRoutes = { add, remove: async () => undefined };
  const failed = await putRoutesBack({ journal: { state: () => state(ipv6) }, hostRoutes, log });
  return { added, failed, lines: log.lines.length };
};

describe('host routes', () => {
  it('of all machines that have an IPv6 address are put back (D27)', async () => {
    expect(await run(['fd00::2', '', 'fd00::3'])).toEqual({ added: ['fd00::2', 'fd00::3'], failed: 0, lines: 0 });
  });

  it('that the agent refuses are counted and told once, and hold nobody else back', async () => {
    const refused = new RootAgentError('no', { code: 'root-agent-refused', retryable: false });
    expect(await run(['fd00::2', 'fd00::3', 'fd00::4'], (one) => (one === 'fd00::4' ? undefined : refused))).toEqual({
      added: ['fd00::4'],
      failed: 2,
      lines: 1,
    });
  });

  it('wait for the next time where the agent does not answer at all', async () => {
    const silent = new RootAgentError('?', { code: 'root-agent-unreachable', retryable: true });
    expect(await run(['fd00::2', 'fd00::3', 'fd00::4'], () => silent)).toEqual({ added: [], failed: 3, lines: 1 });
  });
});
