import { describe, expect, it } from 'vitest';
import { readCapacity } from '../../../../src/drivers/builder/capacity.ts';
import { type Saying, scriptedShells } from './scripted-shells.ts';

const host: Record<string, Saying> = {
  nodeinfo: 'CPU model:           x86_64\nCPU(s):              8\nMemory size:         1 KiB\n',
  nodememstats:
    'total  :             16777216 KiB\nfree   :              8388608 KiB\nbuffers:                 1024 KiB\ncached :              1047552 KiB\n',
  domstats: '',
  'pool-dumpxml': "<pool><available unit='bytes'>5000</available><target><path>/vms</path></target></pool>",
  'pool-info': 'Name:           blockhost\nState:          running\n',
};
const read = (sayings: Record<string, Saying> = {}) => {
  const all = { ...host, ...sayings };
  const { shells } = scriptedShells(([word = '']) => all[word] ?? { error: `unscripted ${word}` });
  return readCapacity(shells, 'blockhost');
};

describe('what the host has', () => {
  it('is counted as libvirt counts it', async () => {
    expect(await read()).toEqual({ cpus: 8, memoryMib: 16_384, memoryFreeMib: 9_216, storageFreeBytes: 5000 });
  });

  it('does not give away what was promised to machines that have not taken it yet', async () => {
    const domstats =
      "Domain: 'a'\n  balloon.current=1\n  balloon.maximum=8388608\n\nDomain: 'b'\n  balloon.maximum=4194304\n";
    expect((await read({ domstats })).memoryFreeMib).toBe(4096);
    const over = "Domain: 'a'\n  balloon.maximum=99999999\n";
    expect((await read({ domstats: over })).memoryFreeMib).toBe(0);
  });

  it('has no room in a pool that is not there, and is unknown where libvirt does not answer (L3)', async () => {
    const error = "failed to get pool 'blockhost'\nerror: Storage pool not found: no storage pool with matching name";
    expect((await read({ 'pool-dumpxml': { error } })).storageFreeBytes).toBe(0);
    await expect(read({ 'pool-dumpxml': { timedOut: true } })).rejects.toMatchObject({ code: 'libvirt-timeout' });
    await expect(read({ nodememstats: 'nothing of the kind' })).rejects.toMatchObject({ code: 'libvirt-words' });
  });
});
