import type { DomainState, MachineMetadata } from '../domain/domain-state.ts';
import type { Uuid } from '../domain/identity.ts';
import type { Limits } from '../domain/journal/memory.ts';
import type { ShutdownMode } from '../domain/shutdown-mode.ts';

/**
 * The host's hypervisor. Every call is bounded in time. A call that cannot be answered throws `HypervisorError`
 * (retryable unless it says otherwise); only a definite "no such domain" is `absent`.
 */
export interface Hypervisor {
  /** All domains, running or not, in one pass. */
  list(): Promise<readonly DomainState[]>;
  look(uuid: Uuid): Promise<DomainState | 'absent'>;
  /**
   * Every file that its disks read, those beneath them included; none where it is absent. Throws `disk-chain-unknown`
   * (retryable) where that cannot be told of one disk. Costs several commands for each disk: for destruction alone.
   */
  diskFiles(uuid: Uuid): Promise<readonly DiskFile[]>;
  /** Boots, or restores a saved image and leaves it running. `paused` is never the outcome. */
  start(uuid: Uuid): Promise<void>;
  resumePaused(uuid: Uuid): Promise<void>;
  requestShutdown(uuid: Uuid, mode: ShutdownMode): Promise<void>;
  /** Power off: `graceful` lets qemu flush and fails where it does not answer SIGTERM. Already off is no error. */
  powerOff(uuid: Uuid, how: 'graceful' | 'forced'): Promise<void>;
  save(uuid: Uuid): Promise<void>;
  dropSavedImage(uuid: Uuid): Promise<void>;
  /** The inactive definition, fit for `define`. */
  definition(uuid: Uuid): Promise<string>;
  define(xml: string): Promise<void>;
  /**
   * Removes the definition with its saved image; NVRAM and, where libvirt can, vTPM state stay, for a machine that comes
   * back (D21). Absent is no error. Refuses (throws) while the domain is on.
   */
  undefine(uuid: Uuid): Promise<void>;
  /** Sets our own metadata element; comes back as a `metadata-change` event. */
  writeMetadata(uuid: Uuid, metadata: MachineMetadata): Promise<void>;
  /** Sets the link of an interface in the definition, and live where the domain is on. */
  setLink(uuid: Uuid, mac: string, up: boolean): Promise<void>;
  /**
   * Sets what limits a domain that is on, all of them, until it goes off: its definition stays as it is. An absent limit is
   * none. Fails at the first that cannot be set and leaves those before it as they were set.
   */
  limit(uuid: Uuid, limits: Limits): Promise<void>;
  /** Tells libvirt that files in its storage pools have come or gone. Best effort. */
  refreshPools(): Promise<void>;
}

/** A file by the path that was given, and by where that leads once symlinks are followed. */
export interface DiskFile {
  readonly path: string;
  readonly realPath: string;
}

/** The guest agent, in a queue of its own: a mute guest never delays a suspension. All calls have a deadline. */
export interface GuestAgent {
  ping(uuid: Uuid, options?: { readonly timeoutMs?: number }): Promise<boolean>;
  /** Runs a program in the guest. Rejects with `GuestAgentError` where the agent does not answer in time. */
  exec(
    uuid: Uuid,
    argv: readonly string[],
    options: { readonly timeoutMs: number },
  ): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
  /**
   * The same byte for byte, for arguments and output of any length, through a shell and temporary files in the guest. Rejects with
   * code `guest-still-runs` where the program has not ended in time: it may go on. `maxBytes` bounds each stream.
   */
  capture(
    uuid: Uuid,
    argv: readonly string[],
    options: { readonly timeoutMs: number; readonly maxBytes?: number },
  ): Promise<CapturedOutput>;
}

/** What a program in a guest printed, and how it ended. */
export interface CapturedOutput {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** There was more than what was fetched. */
  readonly cut: boolean;
}
