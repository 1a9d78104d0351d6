import { describe, expect, it } from 'vitest';
import { HypervisorError } from '../../../src/domain/errors.ts';
import { MODEL_BASE } from '../../../src/simulator/models/model-builder.ts';
import { createWorld } from '../../models/model-world.ts';

/** A running machine whose disk is an overlay of the model's base. */
const sold = async () => {
  const world = createWorld();
  const { uuid, guest } = await world.sell(7, 1_000_000);
  const details = world.journal.state().machines[uuid]?.details;
  if (details === undefined) throw new Error('the journal does not know the machine');
  await world.journal.append([{ kind: 'details-changed', uuid, details: { ...details, base: MODEL_BASE.digest } }]);
  return { world, uuid, guest };
};

describe('a machine on a base image', () => {
  it('is started again where its base is right', async () => {
    const { world, uuid, guest } = await sold();
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 10_000);
    expect(guest.run).toBe('running');
  });

  it('is not started on a wrong base: it waits for an operator, with an alarm (L8)', async () => {
    const { world, uuid, guest } = await sold();
    world.builder.base('absent');
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 20 * 60_000, 5000);
    expect(guest.run).not.toBe('running');
    expect((await world.look(uuid))?.plan).toMatchObject({
      row: 'parked',
      report: { level: 'error', what: expect.stringContaining(`the base ${MODEL_BASE.digest} is not there`) },
    });
    world.builder.base(MODEL_BASE);
    await world.journal.append([{ kind: 'ack', what: uuid, by: 'op' }]);
    await world.pass(uuid, 10_000);
    expect(guest.run).toBe('running');
  });

  it('is started as soon as a base that could not be read can be read: unknown is not wrong (L3)', async () => {
    const { world, uuid, guest } = await sold();
    let closed = true;
    const verifyBase = async (): Promise<void> => {
      if (closed) throw new HypervisorError('not mounted', { code: 'base-unreadable', retryable: true });
    };
    Object.assign(world.builder, { verifyBase });
    world.hypervisor.crash(uuid);
    await world.pass(uuid, 60_000);
    expect(guest.run).not.toBe('running');
    closed = false;
    await world.pass(uuid, 6 * 60_000, 2000);
    expect(guest.run).toBe('running');
  });
});
