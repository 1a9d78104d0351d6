import { describe, expect, it } from 'vitest';
import { createDisks } from '../../../../src/drivers/builder/disks.ts';
import { createVirtualClock } from '../../../../src/simulator/time/virtual-clock.ts';
import { type Saying, scriptedShells } from './scripted-shells.ts';

const gone: Saying = {
  error: "failed to get vol 'a.qcow2'\nerror: Storage volume not found: no storage vol with matching path",
};
const busy: Saying = { error: "internal error: pool 'blockhost' has asynchronous jobs running." };

/** Each command of virsh says its sayings one after the other, the last one for ever. */
const disksOn = (sayings: Record<string, readonly Saying[]>) => {
  const turns = new Map<string, number>();
  const { shells, said } = scriptedShells(([word = '']) => {
    const turn = turns.get(word) ?? 0;
    turns.set(word, turn + 1);
    const all = sayings[word] ?? [{ error: `unscripted ${word}` }];
    return all[Math.min(turn, all.length - 1)] ?? '';
  });
  const clock = createVirtualClock(0);
  const patiently = async <T>(work: Promise<T>): Promise<T> => {
    let settled = false;
    work.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    while (!settled) await clock.advance(100).then(() => new Promise((resolve) => setImmediate(resolve)));
    return work;
  };
  return { disks: createDisks({ shells, clock, storagePool: 'blockhost' }), said, patiently };
};

describe('a disk that is to be removed', () => {
  it('is gone only when libvirt has looked and found nothing', async () => {
    const { disks, said } = disksOn({ 'vol-delete': [gone], 'pool-refresh': [''] });
    await disks.remove('/vms/a.qcow2');
    expect(said).toEqual(['vol-delete', 'pool-refresh', 'vol-delete']);
  });

  it('is removed though libvirt had never heard of the file', async () => {
    const { disks, said } = disksOn({ 'vol-delete': [gone, ''], 'pool-refresh': [''] });
    await disks.remove('/vms/a.qcow2');
    expect(said).toEqual(['vol-delete', 'pool-refresh', 'vol-delete']);
  });

  it('waits while libvirt makes other disks and cannot look', async () => {
    const { disks, said, patiently } = disksOn({ 'vol-delete': [gone, ''], 'pool-refresh': [busy, busy, ''] });
    await patiently(disks.remove('/vms/a.qcow2'));
    expect(said).toEqual(['vol-delete', 'pool-refresh', 'pool-refresh', 'pool-refresh', 'vol-delete']);
  });

  it('is never taken for gone where libvirt could not look, or did not answer (L3)', async () => {
    const blind = disksOn({ 'vol-delete': [gone], 'pool-refresh': [busy] });
    await expect(blind.patiently(blind.disks.remove('/vms/a.qcow2'))).rejects.toMatchObject({ retryable: true });
    const mute = disksOn({ 'vol-delete': [{ timedOut: true }] });
    await expect(mute.disks.remove('/vms/a.qcow2')).rejects.toMatchObject({ code: 'libvirt-timeout', retryable: true });
    const poolless = disksOn({ 'vol-delete': [{ error: "failed to get pool\nerror: Storage pool not found: 'x'" }] });
    await expect(poolless.disks.remove('/vms/a.qcow2')).rejects.toMatchObject({ retryable: true });
  });
});
