import type { RunReason, RunState } from '../../domain/domain-state.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Limits } from '../../domain/journal/memory.ts';
import type { LimitName } from '../../domain/limits.ts';

/** How a guest of the model behaves. All times are on the model's clock. */
export interface GuestBehaviour {
  /** Does it obey the power button, and how long does it take? */
  readonly acpi: 'obeys' | 'ignores';
  /** `mute`: connected, but never answers. `none`: there is none inside. */
  readonly agent: 'answers' | 'mute' | 'none';
  readonly bootMs: number;
  readonly shutdownMs: number;
  /** qemu ignores SIGTERM, so a graceful power-off fails. */
  readonly stuck: boolean;
  /** `slowly`: it outlasts our patience and succeeds after `saveMs`. `in vain`: it fails and leaves the guest paused. */
  readonly saves: 'at once' | 'slowly' | 'in vain';
  readonly saveMs: number;
  /** What this host cannot limit. */
  readonly cannotLimit?: readonly LimitName[];
  /** Runs a program of the guest. */
  readonly programs: (argv: readonly string[], guest: ModelGuest) => ProgramResult | undefined;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A domain of the model with the guest in it. */
export interface ModelGuest {
  readonly uuid: Uuid;
  name: string;
  /** The inactive definition. */
  xml: string;
  run: RunState;
  reason: RunReason;
  persistent: boolean;
  saved: 'none' | 'sound' | 'corrupt';
  /** What is in force until it goes off. */
  limits: Limits;
  agentConnected: boolean;
  /** Counts boots, so that a test can tell a restore from a boot. */
  boots: number;
  /** Full names of users in the guest; they outlive a power-off. */
  readonly gecos: Map<string, string>;
  behaviour: GuestBehaviour;
}

/** Debian's usermod and getent, as far as anybody here uses them; `true`, `false`, `echo`. */
export const debianPrograms: GuestBehaviour['programs'] = ([path = '', ...args], guest) => {
  const program = path.split('/').at(-1);
  const done = (stdout = '', exitCode = 0): ProgramResult => ({ exitCode, stdout, stderr: '' });
  if (program === 'true') return done();
  if (program === 'false') return done('', 1);
  if (program === 'echo') return done(`${args.join(' ')}\n`);
  const user = args.at(-1) ?? '';
  if (program === 'usermod' && args[0] === '-c' && args.length >= 3) {
    if (!guest.gecos.has(user)) return { exitCode: 6, stdout: '', stderr: `usermod: user '${user}' does not exist\n` };
    guest.gecos.set(user, args[1] ?? '');
    return done();
  }
  if (program === 'getent' && args[0] === 'passwd') {
    const gecos = guest.gecos.get(user);
    return gecos === undefined ? done('', 2) : done(`${user}:x:1000:1000:${gecos}:/home/${user}:/bin/bash\n`);
  }
  return undefined;
};

export const usualGuest: GuestBehaviour = {
  acpi: 'obeys',
  agent: 'answers',
  bootMs: 3_000,
  shutdownMs: 1_600,
  stuck: false,
  saves: 'at once',
  saveMs: 60_000,
  programs: debianPrograms,
};
