import { describe, expect, it } from 'vitest';
import { hasFilesOf } from '../../../src/domain/own-files.ts';

const DIRECTORIES = ['/var/lib/blockhost/vms/', '/var/lib/blockhost/cloud-init'];
const fits = (disks: readonly string[], seeds: readonly string[] = []): boolean =>
  hasFilesOf('blockhost-007', { disks, seeds }, DIRECTORIES);

describe('the files of a machine', () => {
  it.each([
    '/var/lib/blockhost/vms/blockhost-007.qcow2',
    '/var/lib/blockhost/vms/blockhost-007-data.qcow2',
    '/var/lib/blockhost/vms/blockhost-007/disk.qcow2',
    '/var/lib/blockhost/cloud-init/blockhost-007/seed.iso',
  ])('are known by their place: %s (D10)', (path) => {
    expect(fits([path])).toBe(true);
    expect(fits(['/srv/big.raw'], [path])).toBe(true);
  });

  it.each([
    '/var/lib/libvirt/images/blockhost-007.qcow2',
    '/var/lib/blockhost/vms/blockhost-0071.qcow2',
    '/var/lib/blockhost/vms/blockhost-00.qcow2',
    '/var/lib/blockhost/vms-of-mine/blockhost-007.qcow2',
    '/var/lib/blockhost/vms/blockhost-007/../blockhost-008.qcow2',
    'blockhost-007.qcow2',
  ])('are not these: %s', (path) => {
    expect(fits([path], [path])).toBe(false);
  });

  it('are none where a domain has none', () => {
    expect(fits([])).toBe(false);
  });
});
