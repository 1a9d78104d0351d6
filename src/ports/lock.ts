/**
 * Exclusive advisory locks shared by all processes of this host (flock(2)). The lock is held while `body` runs and is
 * released when it settles, and by the kernel when the process dies. Never hold one while waiting for anything slow (D26).
 * `waitMs` bounds the wait; on expiry `LockBusyError` is thrown.
 */
export interface Locks {
  /** Held by a `create` for as long as it works on that name, so that others can tell whether it still does. */
  withCreate<T>(name: string, options: { readonly waitMs: number }, body: () => Promise<T>): Promise<T>;
  /** Around choosing addresses and ids and writing them into the journal: two creates never choose the same. */
  withAllocation<T>(options: { readonly waitMs: number }, body: () => Promise<T>): Promise<T>;
  withMachine<T>(uuid: string, options: { readonly waitMs: number }, body: () => Promise<T>): Promise<T>;
}
