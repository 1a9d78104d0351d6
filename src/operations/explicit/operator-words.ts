import type { MachineMemory } from '../../domain/journal/memory.ts';
import { moment } from '../../domain/moment.ts';
import { refusal } from './context.ts';

type Word = MachineMemory['hold'];

const inForce = (word: Word, nowUnixMs: number): word is NonNullable<Word> =>
  word !== undefined && (word.untilUnixMs ?? Number.POSITIVE_INFINITY) > nowUnixMs;

const until = (word: NonNullable<Word>, end: string): string =>
  word.untilUnixMs === undefined ? `until ${end}` : `until ${moment(word.untilUnixMs)}`;

/** A held machine is not touched by anybody (L11). Throws with who holds it, until when, and why. */
export const requireNotHeld = ({ name, hold }: MachineMemory, nowUnixMs: number): void => {
  if (!inForce(hold, nowUnixMs)) return;
  throw refusal(
    `${name} is held by ${hold.by} ${until(hold, 'it is released')}: ${hold.reason}`,
    `blockhost-provisioner release ${name}`,
  );
};

/**
 * A protected machine is neither suspended nor destroyed (L11, D14). It may be stopped: an operator's stop takes nothing
 * from anybody for good, and is a newer word of the same authority.
 */
export const requireNotProtected = ({ name, protect }: MachineMemory, nowUnixMs: number): void => {
  if (!inForce(protect, nowUnixMs)) return;
  throw refusal(
    `${name} is protected by ${protect.by} ${until(protect, 'it is unprotected')}: ${protect.reason}`,
    `blockhost-provisioner unprotect ${name}`,
  );
};

export const isProtected = ({ protect }: MachineMemory, nowUnixMs: number): boolean => inForce(protect, nowUnixMs);
