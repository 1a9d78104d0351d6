/**
 * Exclusive advisory locks shared by all processes of this host (flock(2)). The lock is held while `body` runs and is
 * released when it settles, and by the kernel when the process dies. Never hold one while waiting for anything slow (D26).
 * `waitMs` bounds the wait; on expiry `LockBusyError` is thrown.
 */
export interface Locks {
  withMachine<T>(uuid: string, options: { readonly waitMs: number }, body: () => Promise<T>): Promise<T>;
}
