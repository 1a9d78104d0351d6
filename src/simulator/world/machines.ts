import type { Address } from '../../domain/identity.ts';

/** A machine as the world knows it: who it was made for, and what people have said of it. */
export interface WorldMachine {
  readonly number: number;
  readonly uuid: string;
  readonly name: string;
  /** Its subscription's id. */
  readonly id: bigint;
  readonly disk: string;
  readonly madeMs: number;
  /** Its create has not come to its end yet. */
  unfinished: boolean;
  /** An explicit destroy was ordered: nobody is owed anything any more (D14). */
  condemned: boolean;
  /** Stopped by an operator's command, until one starts it. */
  stoppedByHand: boolean;
  /** Its owner powered it off from inside. */
  stoppedByOwner: boolean;
  heldUntilMs: number;
  protectedUntilMs: number;
  /** Paused by somebody, or by a disk error: nobody but people may let it go on. */
  pausedByOthers: boolean;
  /** Paid until then by an operator's word, unix seconds. */
  grantUntilUnix: bigint;
  /** The last thing that befell it from outside: it may need its time. */
  disturbedMs: number;
}

/** People and their wallets. */
export const walletOf = (number: number): Address => `0x${(0xabc000 + number).toString(16).padStart(40, '0')}`;

export const newMachine = (
  facts: Pick<WorldMachine, 'number' | 'uuid' | 'name' | 'id' | 'disk' | 'madeMs'>,
): WorldMachine => ({
  ...facts,
  unfinished: false,
  condemned: false,
  stoppedByHand: false,
  stoppedByOwner: false,
  heldUntilMs: 0,
  protectedUntilMs: 0,
  pausedByOthers: false,
  grantUntilUnix: 0n,
  disturbedMs: Number.NEGATIVE_INFINITY,
});
