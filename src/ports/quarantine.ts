import type { Uuid } from '../domain/identity.ts';

/** What is kept of a destroyed machine: its definition and its files, each with the place it came from. */
export interface Dossier {
  readonly uuid: Uuid;
  readonly name: string;
  readonly definition: string;
  /** Absolute paths of files and directories, in their own places. */
  readonly files: readonly string[];
  /** What its disks read besides: shared with others or beneath its disks. It stays in its place, and is needed again. */
  readonly needs: readonly string[];
}

/**
 * Where destroyed machines wait for a late payment (D21). Every call can be repeated after a crash at any point; a file
 * is always in exactly one of its two places. Moving never crosses a file system, so it neither copies nor fills a disk.
 */
export interface Quarantine {
  /** Makes the dossier durable before anything is taken apart. An existing dossier of the same machine stays once a file of it is kept. */
  keep(dossier: Dossier): Promise<void>;
  dossier(uuid: Uuid): Promise<Dossier | undefined>;
  /** Files in their own places that this machine needs to come back: what stays there, and what was not moved yet. */
  needs(uuid: Uuid): Promise<readonly string[]>;
  /** The paths by which somebody may name a file that is kept: the one it has now, and its own unless that is taken. */
  keptPaths(uuid: Uuid): Promise<readonly string[]>;
  /** Moves every file that is still in its place into quarantine. */
  moveIn(uuid: Uuid): Promise<void>;
  /** Moves every file back. Throws (incurable) where something else has taken its place. */
  moveOut(uuid: Uuid): Promise<void>;
  /** Deletes what was kept, dossier last. Nothing there is no error. */
  purge(uuid: Uuid): Promise<void>;
  /** Forgets the dossier of a machine that is whole again. */
  forget(uuid: Uuid): Promise<void>;
}
