import type { Invariant } from './sight.ts';

/**
 * When all is at rest, every file belongs to a domain or to a dossier in quarantine, and every allocated address to a
 * record that is not destroyed (D21, D26).
 */
export const nothingLeaks: Invariant = {
  name: 'nothing-leaks',
  rules: 'D18, D21, D26, L4',
  watch: () => (sight) => {
    if (!sight.atRest) return [];
    const living = new Set([...sight.domains.map(({ uuid }) => uuid), ...sight.dossiers]);
    const places = new Set(
      sight.machines.filter(({ uuid }) => living.has(uuid)).map(({ name }) => `/vms/cloud-init/${name}/`),
    );
    const files = [...sight.files].flatMap(([path, uuid]) => {
      const owned = living.has(uuid) || [...places].some((place) => path.startsWith(place));
      const kept = [...sight.dossiers].some((dossier) => path.startsWith(`/quarantine/${dossier}/`));
      return owned || kept
        ? []
        : [{ invariant: 'nothing-leaks', what: `${path} of ${uuid} belongs to nobody any more` }];
    });
    const borne = new Set(
      sight.records.flatMap(({ status, ipAddress }) => (status === 'destroyed' ? [] : [ipAddress])),
    );
    const addresses = sight.allocated.flatMap((address) =>
      borne.has(address) ? [] : [{ invariant: 'nothing-leaks', what: `nobody bears the allocated address ${address}` }],
    );
    return [...files, ...addresses];
  },
};
