import type { DomainState, MachineMetadata } from '../domain/domain-state.ts';
import type { Uuid } from '../domain/identity.ts';
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
  ping(uuid: Uuid): Promise<boolean>;
  /** Runs a program in the guest. Rejects with `GuestAgentError` where the agent does not answer in time. */
  exec(
    uuid: Uuid,
    argv: readonly string[],
    options: { readonly timeoutMs: number },
  ): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
}
