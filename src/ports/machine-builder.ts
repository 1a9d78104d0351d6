import type { MachineMetadata } from '../domain/domain-state.ts';
import type { Uuid } from '../domain/identity.ts';

/** An immutable base image, named by its content; machines' disks are overlays of it. */
export interface BaseImage {
  /** `sha256:` and 64 hexadecimal digits, of the image file. */
  readonly digest: string;
  readonly path: string;
  readonly virtualSizeBytes: number;
  /** By its own boot loader, or with a kernel that lies beside the image. */
  readonly boot:
    | { readonly kind: 'disk' }
    | { readonly kind: 'kernel'; readonly kernel: string; readonly initrd: string; readonly commandLine: string };
}

/** What the host has for one more machine. */
export interface HostCapacity {
  readonly cpus: number;
  readonly memoryMib: number;
  readonly memoryFreeMib: number;
  /** Free bytes in the storage pool. */
  readonly storageFreeBytes: number;
  /** KVM only where it was seen to execute. */
  readonly accelerator: 'kvm' | 'tcg';
}

/** A machine's network card and the addresses that it may speak with. */
export interface NetworkCard {
  readonly mac: string;
  readonly ipv4: string;
  /** Empty where there is none. */
  readonly ipv6: string;
}

/** One machine as it is to be built; what is random or allocated was settled before. */
export interface MachineSpec extends NetworkCard {
  readonly uuid: Uuid;
  readonly name: string;
  readonly cpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly metadata: MachineMetadata;
  readonly base: BaseImage;
  readonly accelerator: HostCapacity['accelerator'];
}

/** The three documents of a NoCloud seed. */
export interface SeedFiles {
  readonly userData: string;
  readonly metaData: string;
  readonly networkConfig: string;
}

/** Where a machine's files lie, absolute. */
export interface MachinePlaces {
  readonly disk: string;
  readonly seedDirectory: string;
  readonly seed: string;
}

/**
 * Builds the parts of a new machine. Every call is bounded, short, and safe to do twice; what it makes for one machine
 * it takes away again with `remove…`, where nothing there is no error. Throws `HypervisorError`.
 */
export interface MachineBuilder {
  /** Everything that a create would lack on this host, one sentence each (pool, tools, bridge, filter); empty when ready. */
  missing(): Promise<readonly string[]>;
  capacity(): Promise<HostCapacity>;
  /** The base that new machines get; `absent` until a template was built. */
  currentBase(): Promise<BaseImage | 'absent'>;
  /** Throws (incurable) unless the base of that digest is there, unchanged: a machine is never started on a wrong one. */
  verifyBase(digest: string): Promise<void>;
  placesOf(name: string): MachinePlaces;
  /**
   * Those of a machine's places where something lies already. Asked before a create begins: whatever is there afterwards
   * is that create's own, and may be removed with it.
   */
  occupied(name: string): Promise<readonly string[]>;
  /** Makes the overlay; throws (incurable, code `place-taken`) where something else has its place. */
  makeDisk(spec: MachineSpec): Promise<void>;
  removeDisk(name: string): Promise<void>;
  /** Writes the cloud-init documents (0600) and their ISO, readable by the hypervisor alone. */
  makeSeed(name: string, files: SeedFiles): Promise<void>;
  /**
   * Writes the network document anew, and the ISO; what else the guest was told stays, so that to cloud-init it is the same
   * instance. Throws (incurable, code `seed-unknown`) where a machine's documents are not there.
   */
  renewNetwork(name: string, networkConfig: string): Promise<void>;
  removeSeed(name: string): Promise<void>;
  /** The domain XML, fit for `Hypervisor.define`. */
  definitionOf(spec: MachineSpec): string;
  /** The same definition for a machine with other addresses. Throws (incurable) where it has no such card. */
  readdressed(definition: string, card: NetworkCard): string;
}
