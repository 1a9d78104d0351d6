import * as z from 'zod';

/** One domain's part of `virsh domstats --raw --nowait --state`. */
export interface DomainStats {
  readonly name: string;
  readonly state: number;
  readonly reason: number;
}

/** One domain's part of what `virsh domstats --raw` prints, as it stands there. */
export interface DomstatsBlock {
  readonly name: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** Takes the output apart; what is no line of it is passed over. */
export const domstatsBlocks = (stdout: string): readonly DomstatsBlock[] => {
  const blocks: { name: string; fields: Map<string, string> }[] = [];
  for (const line of stdout.split('\n')) {
    const name = /^Domain: '(.*)'$/.exec(line)?.[1];
    if (name !== undefined) blocks.push({ name, fields: new Map() });
    const [, key, value] = /^ {2}([a-z0-9_.-]+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) blocks.at(-1)?.fields.set(key, value);
  }
  return blocks;
};

/**
 * Reads what `virsh domstats --raw --nowait --state` prints. A block without whole numbers for state and reason is
 * left out: what is not said is not known, and the caller must look again.
 */
export const parseDomstats = (stdout: string): readonly DomainStats[] =>
  domstatsBlocks(stdout).flatMap(({ name, fields }) => {
    const parsed = statsSchema.safeParse({
      name,
      state: fields.get('state.state'),
      reason: fields.get('state.reason'),
    });
    return parsed.success ? [parsed.data] : [];
  });

const wholeNumber = z
  .string()
  .regex(/^[0-9]{1,9}$/)
  .transform(Number);
const statsSchema = z.object({ name: z.string().min(1), state: wholeNumber, reason: wholeNumber });
