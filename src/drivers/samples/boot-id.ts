import { readFileSync } from 'node:fs';

/** Changes with every boot of the host, and with it the meaning of the monotonic clock; empty where the kernel does not tell. */
export const readBootIdSync = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
};
