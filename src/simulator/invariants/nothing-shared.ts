import type { Invariant, Violation } from './sight.ts';

const twice = (what: string, pairs: readonly (readonly [string, string])[]): readonly Violation[] => {
  const seen = new Map<string, string>();
  return pairs.flatMap(([thing, who]) => {
    const other = seen.get(thing);
    seen.set(thing, who);
    if (other === undefined || other === who || thing === '') return [];
    return [{ invariant: 'nothing-shared', machine: who, what: `${other} and ${who} share the ${what} ${thing}` }];
  });
};

/** No disk and no address belongs to two machines at once (D21, D26, L2). */
export const nothingShared: Invariant = {
  name: 'nothing-shared',
  rules: 'D19, D21, D26',
  watch:
    () =>
    ({ domains, records }) => [
      ...twice(
        'disk',
        domains.flatMap(({ name, disks }) => disks.map((disk) => [disk, name] as const)),
      ),
      ...twice(
        'address',
        records.flatMap(({ status, ipAddress, name }) => (status === 'destroyed' ? [] : [[ipAddress, name] as const])),
      ),
    ],
};
