import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../lab/libvirt.ts';
import { createDeeds, type Moment } from '../../proof/soak/deeds.ts';
import type { PlainDomain } from '../../proof/soak/domains.ts';

const UUID = 'u-1';
const NAME = 'blockhost-001';
const on: PlainDomain = { uuid: UUID, name: NAME, run: 'running', reason: 'booted', disks: [], subscription: 1n };
const off: PlainDomain = { ...on, run: 'off', reason: 'shutdown' };
const event = (detail: string): RecordedEvent => ({
  ...{ index: 0, atMs: 0, event: 'lifecycle', domain: NAME, detail, raw: '' },
});
const moment = (more: Partial<Moment> = {}): Moment => ({
  ...{ atMs: 0, domains: [on], events: [], kept: new Set(), placed: new Set([UUID]) },
  ...more,
});

/** What is told of the last of these moments. */
const told = (...moments: readonly Moment[]): readonly string[] => {
  const deeds = createDeeds(() => 'daemon');
  return (
    moments
      .map(deeds)
      .at(-1)
      ?.map(({ what, args }) => `${what} ${args[0]}`) ?? []
  );
};

describe('what was done, told by its traces', () => {
  it('is nothing where nothing changed', () => {
    expect(told(moment(), moment())).toEqual([]);
    expect(told(moment())).toEqual([]);
  });

  it('is in libvirt’s events, also where the machine is on again by now', () => {
    const events = [event('Stopped Destroyed'), event('Started Booted')];
    expect(told(moment(), moment({ events }))).toEqual([`hypervisor.powerOff ${UUID}`, `hypervisor.start ${UUID}`]);
  });

  it('is told once where event and state say the same', () => {
    const events = [event('Stopped Shutdown')];
    expect(told(moment(), moment({ events, domains: [off] }))).toEqual([`hypervisor.requestShutdown ${UUID}`]);
  });

  it('is seen in what is otherwise, where nobody heard an event', () => {
    expect(told(moment(), moment({ domains: [off] }))).toEqual([`hypervisor.requestShutdown ${UUID}`]);
    expect(told(moment(), moment({ domains: [] }))).toEqual([`hypervisor.undefine ${UUID}`]);
  });

  it('is nobody’s deed where a qemu was killed', () => {
    const crashed: PlainDomain = { ...on, run: 'off', reason: 'crashed' };
    expect(told(moment(), moment({ domains: [crashed], events: [event('Stopped Failed')] }))).toEqual([]);
  });

  it('tells quarantine by its files: in, out again, or deleted for good', () => {
    const kept = moment({ domains: [], kept: new Set([UUID]), placed: new Set() });
    expect(told(moment({ domains: [] }), kept)).toEqual([`quarantine.moveIn ${UUID}`]);
    expect(told(kept, moment({ domains: [] }))).toEqual([`quarantine.moveOut ${UUID}`]);
    expect(told(kept, moment({ domains: [], placed: new Set() }))).toEqual([`quarantine.purge ${UUID}`]);
  });
});
