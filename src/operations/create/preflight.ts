import { admissionProblems } from '../../domain/admission.ts';
import type { CreateRequest } from '../../domain/create-request.ts';
import { BlockhostError, explain } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import { nameConflicts } from '../../domain/name-conflict.ts';
import type { BaseImage, HostCapacity } from '../../ports/machine-builder.ts';
import { type CreateDeps, cannotCreate } from './create-deps.ts';

/** What the host was found to have. */
export interface Ready {
  readonly base: BaseImage;
  readonly capacity: HostCapacity;
}

/** One cause for everything that libvirt is asked. */
const LIBVIRT_AWAY: ReadonlySet<string> = new Set(['libvirt-unreachable', 'libvirt-timeout', 'libvirt-denied']);

/** One look at one thing; what goes wrong is one more problem to tell, and that libvirt is away is told once. */
const createLooks = () => {
  const problems: string[] = [];
  const toldAway = new Set<string>();
  const look = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      const code = error instanceof BlockhostError && LIBVIRT_AWAY.has(error.code) ? error.code : undefined;
      if (code === undefined || !toldAway.has(code)) problems.push(explain(error));
      if (code !== undefined) toldAway.add(code);
      return undefined;
    }
  };
  return { problems, look };
};

/**
 * Looks at everything that a create needs and throws one error that names all that is missing (L5 comes later: addresses
 * are chosen under their own lock). Changes nothing. `undone` are machines that this create clears away first.
 */
export const preflight = async (
  deps: CreateDeps,
  request: CreateRequest,
  undone: ReadonlySet<Uuid>,
): Promise<Ready> => {
  const { problems, look } = createLooks();
  const { builder, chain } = deps;
  const [missing, seeds, base, capacity, domains, records, occupied] = await Promise.all([
    look(() => builder.missing()),
    look(() => deps.seeds.missing(request.cloudInitContent)),
    look(() => builder.currentBase()),
    look(() => builder.capacity()),
    look(() => deps.hypervisor.list()),
    look(() => deps.records.list()),
    look(() => (undone.size > 0 ? Promise.resolve([]) : builder.occupied(request.name))),
  ]);
  const foundBase = base === 'absent' ? undefined : base;
  const conflicts = nameConflicts({
    name: request.name,
    subscription: chain.configured ? chain.refsForName(request.name)[0] : undefined,
    machines: Object.values(deps.journal.state().machines).filter(({ uuid }) => !undone.has(uuid)),
    domains: domains?.filter(({ uuid }) => !undone.has(uuid)) ?? [],
    records: undone.size > 0 ? [] : (records ?? []),
  });
  const all = [
    ...conflicts,
    ...(missing ?? []),
    ...(seeds ?? []),
    ...(base === 'absent' ? ['there is no template; run blockhost-build-template'] : []),
    ...(capacity ? admissionProblems(request, capacity, foundBase?.virtualSizeBytes) : []),
    ...(conflicts.length > 0 ? [] : (occupied ?? []).map((path) => `${path} is in its way; move it away`)),
    ...problems,
  ];
  if (all.length > 0 || foundBase === undefined || capacity === undefined) throw cannotCreate(request.name, all);
  return { base: foundBase, capacity };
};
