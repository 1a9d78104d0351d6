import type { Uuid } from '../domain/identity.ts';
import { newOwner } from '../domain/login.ts';
import type { Observation } from '../domain/observation.ts';
import type { Deps } from './deps.ts';
import { depthNeeded } from './depth.ts';
import type { Fleet } from './fleet.ts';
import { assemble, type ChainReading, readChain, readHost, readLogin } from './observe.ts';

/** Looks at host and chain, at the chain as deep as the decision that is near will ask. */
export const observeDeep = async (
  deps: Deps,
  fleet: Fleet,
  uuid: Uuid,
): Promise<{ readonly reading: ChainReading; readonly observation: Observation }> => {
  const host = await readHost(deps, fleet, uuid);
  let reading = await readChain(deps, fleet, uuid, host, 'head');
  const first = assemble(deps, fleet, uuid, host, reading);
  const depth = depthNeeded(first, deps.policy);
  if (depth !== 'head') reading = await readChain(deps, fleet, uuid, host, depth);
  if (newOwner(first)) reading = { ...reading, login: await readLogin(deps, host, first.memory, 'with-witnesses') };
  return { reading, observation: assemble(deps, fleet, uuid, host, reading) };
};
