/** What a new machine wants and what the host has left. */
export interface Admission {
  readonly cpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export interface Capacity {
  readonly cpus: number;
  readonly memoryFreeMib: number;
  readonly storageFreeBytes: number;
}

const GIB = 1024 ** 3;
const inGib = (bytes: number): string => `${Math.floor((bytes / GIB) * 10) / 10} GiB`;

/**
 * Why the host cannot take one more machine, one sentence each. A disk that grows beyond what there is pauses its guest,
 * so its whole size must be free, thin as it is at first.
 */
export const admissionProblems = (
  wanted: Admission,
  host: Capacity,
  baseBytes: number | undefined,
): readonly string[] => [
  ...(wanted.cpus > host.cpus ? [`${wanted.cpus} CPUs are wanted, the host has ${host.cpus}`] : []),
  ...(wanted.memoryMib > host.memoryFreeMib
    ? [`${wanted.memoryMib} MiB of memory are wanted, ${Math.max(0, Math.floor(host.memoryFreeMib))} MiB are free`]
    : []),
  ...(wanted.diskGib * GIB > host.storageFreeBytes
    ? [`a disk of ${wanted.diskGib} GiB is wanted, ${inGib(host.storageFreeBytes)} are free`]
    : []),
  ...(baseBytes !== undefined && wanted.diskGib * GIB < baseBytes
    ? [`a disk of ${wanted.diskGib} GiB is smaller than the template's ${inGib(baseBytes)}`]
    : []),
];
