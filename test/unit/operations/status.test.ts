import { describe, expect, it } from 'vitest';
import { RecordsError } from '../../../src/domain/errors.ts';
import { statusOf } from '../../../src/operations/status.ts';
import { createWorld } from '../../models/model-world.ts';

const NAME = 'blockhost-007';

const sold = async () => {
  const world = createWorld();
  return { world, ...(await world.sell(7, 100_000)), status: () => statusOf(world.deps, NAME) };
};

type World = Awaited<ReturnType<typeof sold>>['world'];

const withoutMetadata = ({ hypervisor }: World): World['deps']['hypervisor'] => ({
  ...hypervisor,
  list: async () => (await hypervisor.list()).map(({ metadata: _gone, ...domain }) => domain),
});

describe('status', () => {
  it('is active while it runs, suspended while it is off or stands still', async () => {
    const { world, uuid, status } = await sold();
    expect(await status()).toBe('active');
    world.hypervisor.suspendByOperator(uuid);
    expect(await status()).toBe('suspended');
    await world.hypervisor.powerOff(uuid, 'forced');
    expect(await status()).toBe('suspended');
  });

  it('is destroyed where the record says so, or where its domain is known to be absent', async () => {
    const { world, uuid, status } = await sold();
    await world.hypervisor.powerOff(uuid, 'forced');
    await world.hypervisor.undefine(uuid);
    expect(await status()).toBe('destroyed');
    await world.records.patch(NAME, { status: 'destroyed' });
    world.hypervisor.away();
    expect(await status()).toBe('destroyed');
  });

  it('is unknown where neither record nor domain exist, and never destroyed because libvirt is away (L3)', async () => {
    const { world, status } = await sold();
    expect(await statusOf(world.deps, 'nobody')).toBe('unknown');
    world.hypervisor.away();
    expect(await status()).toBe('unknown');
  });

  it('is unknown of a domain that is somebody else’s, with or without a record of its name (D8)', async () => {
    const { world } = await sold();
    const read = world.deps.records.read;
    const deps = { ...world.deps, ownDirectories: ['/elsewhere'], hypervisor: withoutMetadata(world) };
    expect(await statusOf(deps, NAME)).toBe('unknown');
    expect(await statusOf({ ...deps, records: { ...world.records, read: async () => undefined } }, NAME)).toBe(
      'unknown',
    );
    expect(await statusOf({ ...deps, ownDirectories: ['/vms'], records: { ...world.records, read } }, NAME)).toBe(
      'active',
    );
  });

  it('is unknown where the records cannot be read', async () => {
    const { world } = await sold();
    const read = async () => {
      throw new RecordsError('torn', { code: 'records-torn', retryable: true });
    };
    expect(await statusOf({ ...world.deps, records: { ...world.records, read } }, NAME)).toBe('unknown');
  });
});
