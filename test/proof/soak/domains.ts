import { runStateOf } from '../../../src/drivers/virsh/run-state.ts';
import type { SeenDomain } from '../../../src/simulator/invariants/sight.ts';
import type { LibvirtLab } from '../../lab/libvirt.ts';

/** A domain without what only its guest knows. */
export type PlainDomain = Omit<SeenDomain, 'linkUp' | 'agentAnswers' | 'lets'>;

interface Definition {
  readonly disks: readonly string[];
  readonly subscription: bigint | undefined;
}

const namesIn = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/^([0-9a-f-]{36})\s+(\S+)\s*$/gm)].map(([, uuid = '', name = '']) => [name, uuid]));

const statesIn = (text: string): ReadonlyMap<string, { readonly state: number; readonly reason: number }> =>
  new Map(
    [...text.matchAll(/^Domain: '(.*)'\n\s+state\.state=(\d+)\n\s+state\.reason=(\d+)$/gm)].map(
      ([, name = '', state, reason]) => [name, { state: Number(state), reason: Number(reason) }],
    ),
  );

const definitionIn = (xml: string): Definition => {
  const disks = [...xml.matchAll(/<disk type='file' device='disk'>[\s\S]*?<source file='([^']+)'/g)];
  const id = /subscriptionId=["'](\d+)["']/.exec(xml)?.[1];
  return { disks: disks.map(([, path = '']) => path), subscription: id === undefined ? undefined : BigInt(id) };
};

/** Looks at all domains with one-shot virsh; undefined where libvirt does not answer, or a domain went while one looked. */
export const createDomainEyes = (libvirt: LibvirtLab) => {
  const definitions = new Map<string, Definition>();
  let heard = 0;

  /** What was defined anew since the last look is read again. */
  const forget = (names: ReadonlyMap<string, string>): void => {
    const events = libvirt.events();
    for (const { domain, detail } of events.slice(heard)) {
      const uuid = names.get(domain);
      if (detail.startsWith('Defined') && uuid !== undefined) definitions.delete(uuid);
    }
    heard = events.length;
  };

  return async (): Promise<readonly PlainDomain[] | undefined> => {
    const told = await libvirt.tryVirsh('list --all --uuid --name; domstats --state');
    if (told.exitCode !== 0) return undefined;
    const [names, states] = [namesIn(told.stdout), statesIn(told.stdout)];
    forget(names);
    const domains: PlainDomain[] = [];
    for (const [name, uuid] of names) {
      const state = states.get(name);
      if (state === undefined) return undefined;
      if (!definitions.has(uuid)) {
        const xml = await libvirt.tryVirsh('dumpxml', '--domain', uuid, '--inactive');
        if (xml.exitCode !== 0) return undefined;
        definitions.set(uuid, definitionIn(xml.stdout));
      }
      const { disks = [], subscription } = definitions.get(uuid) ?? {};
      domains.push({ uuid, name, ...runStateOf(state.state, state.reason), disks, subscription });
    }
    return domains;
  };
};
