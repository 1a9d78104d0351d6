import type { CreateRequest } from '../../domain/create-request.ts';
import { BlockhostError } from '../../domain/errors.ts';
import { metadataOf } from '../../domain/metadata-of.ts';
import type { MachineSpec } from '../../ports/machine-builder.ts';
import type { Begun } from './allocate.ts';
import type { Binding } from './binding.ts';
import type { CreateDeps } from './create-deps.ts';
import type { Ready } from './preflight.ts';

const interrupted = (name: string): BlockhostError =>
  new BlockhostError(`the create of ${name} was interrupted`, { code: 'interrupted', retryable: true });

const specOf = (request: CreateRequest, { allocation, memory }: Begun, { base, capacity }: Ready): MachineSpec => ({
  uuid: allocation.uuid,
  name: request.name,
  cpus: request.cpus,
  memoryMib: request.memoryMib,
  diskGib: request.diskGib,
  mac: allocation.mac,
  ipv4: allocation.ipv4,
  ipv6: allocation.ipv6,
  metadata: metadataOf(memory),
  base,
  accelerator: capacity.accelerator,
});

/**
 * Seed, disk, domain, record: everything of a machine that others can see before it is committed. Each part can be taken
 * back by `undo-create`, in whatever order the next life finds them.
 */
export const build = async (
  deps: CreateDeps,
  request: CreateRequest,
  begun: Begun,
  binding: Binding,
  ready: Ready,
): Promise<void> => {
  const { builder, hypervisor, records, tell } = deps;
  const { name, owner, username } = request;
  const { uuid, mac, ipv4, ipv6, nftTokenId } = begun.allocation;
  const spec = specOf(request, begun, ready);
  const parts: readonly (readonly [string, () => Promise<void>])[] = [
    [
      'cloud-init',
      async () => {
        const machine = { uuid, name, mac, ipv4, ipv6, username, wallet: owner, nftTokenId };
        await builder.makeSeed(name, await deps.seeds.render(machine, request.cloudInitContent));
      },
    ],
    [`disk of ${request.diskGib} GiB`, () => builder.makeDisk(spec)],
    [`domain (${spec.accelerator})`, () => hypervisor.define(builder.definitionOf(spec))],
    [
      'record',
      () =>
        records.register({
          name,
          ipAddress: ipv4,
          ipv6Address: ipv6,
          owner,
          username,
          expiresAtUnix: binding.expiresAtUnix,
          createdAtUnix: begun.memory.details.createdAtUnix,
          status: 'active',
          nftTokenId,
        }),
    ],
  ];
  for (const [what, make] of parts) {
    if (deps.stop.aborted) throw interrupted(name);
    tell(`${name}: ${what}`);
    await make();
  }
  if (deps.stop.aborted) throw interrupted(name);
};
