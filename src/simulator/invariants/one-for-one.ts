import type { Invariant } from './sight.ts';

/** At most one domain for a subscription, one name and one UUID for a machine (D9, L2). */
export const oneForOne: Invariant = {
  name: 'one-for-one',
  rules: 'D8, D9, L2',
  watch:
    () =>
    ({ domains }) => {
      const seen = new Map<string, string>();
      return domains.flatMap(({ uuid, name, subscription }) => {
        const keys = [`name ${name}`, ...(subscription === undefined ? [] : [`subscription ${subscription}`])];
        return keys.flatMap((key) => {
          const other = seen.get(key);
          seen.set(key, uuid);
          if (other === undefined || other === uuid) return [];
          return [{ invariant: 'one-for-one', machine: name, what: `${other} and ${uuid} both have ${key}` }];
        });
      });
    },
};
