import * as z from 'zod';
import type { Uuid } from '../../domain/identity.ts';

/** One line of `virsh list --all --uuid --name`. */
export interface ListedDomain {
  readonly uuid: Uuid;
  readonly name: string;
}

/**
 * Reads `virsh list --all --uuid --name`. Undefined if any line is not of its shape: from a list that cannot be
 * read, nobody may conclude that a machine is absent (L3).
 */
export const parseDomainList = (stdout: string): readonly ListedDomain[] | undefined => {
  const lines = stdout.split('\n').filter((line) => line !== '');
  const parsed = z.array(lineSchema).safeParse(lines);
  return parsed.success ? parsed.data : undefined;
};

/** Reads `virsh list --all --uuid …`; undefined as above. */
export const parseUuidList = (stdout: string): readonly Uuid[] | undefined => {
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  const parsed = z.array(uuidSchema).safeParse(lines.map((line) => line.trim()));
  return parsed.success ? parsed.data : undefined;
};

/** A UUID as libvirt prints it. */
export const uuidSchema = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

const lineSchema = z.string().transform((line, context): ListedDomain => {
  const [, uuid, name] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (.+)$/.exec(line) ?? [];
  if (uuid !== undefined && name !== undefined) return { uuid, name };
  context.addIssue({ code: 'custom', message: 'not a UUID and a name' });
  return z.NEVER;
});
