import { type Invariant, isOn, isPaid } from './sight.ts';

/**
 * When all is at rest, a machine's record says what libvirt and chain say: active while it runs, suspended while it is off
 * for its expiry, destroyed when its domain is gone; until when it is paid, to the second; and its address is its own
 * (C4, L12, D21).
 */
export const recordConverges: Invariant = {
  name: 'record-converges',
  rules: 'C4, L1, L12, D21',
  watch:
    () =>
    ({ atRest, machines, allocated, trueUnix }) => {
      if (!atRest) return [];
      return machines.flatMap((machine) => {
        const { name, uuid, record, domain, expiresAtUnix, grantUntilUnix } = machine;
        const wrong = (what: string) => [{ invariant: 'record-converges', machine: name, what: `${name}: ${what}` }];
        const successor = machines.some((other) => other.name === name && other.uuid !== uuid);
        if (successor || machine.isNew) return [];
        if (domain === undefined) {
          const open = record !== undefined && record.status !== 'destroyed';
          return open ? wrong(`its domain is gone and its record says ${record.status}`) : [];
        }
        if (record === undefined) return wrong('it has no record');
        if (!allocated.includes(record.ipAddress)) return wrong(`its address ${record.ipAddress} is free to others`);
        const runs = isOn(domain);
        if (runs && record.status !== 'active') return wrong(`it runs and its record says ${record.status}`);
        if (machine.excused || machine.condemned) return [];
        const over = expiresAtUnix !== undefined && !isPaid(machine, trueUnix);
        if (!runs && over && record.status !== 'suspended')
          return wrong(`it is suspended and its record says ${record.status}`);
        const right = expiresAtUnix === undefined || grantUntilUnix > 0n || record.expiresAtUnix === expiresAtUnix;
        return right ? [] : wrong(`its record expires at ${record.expiresAtUnix}, the chain says ${expiresAtUnix}`);
      });
    },
};
