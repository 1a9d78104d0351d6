import type { DomainState, RunReason, RunState } from '../../domain/domain-state.ts';
import { HypervisorError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import { LIMIT_NAMES } from '../../domain/limits.ts';
import { machineMetadataXml, machineNamespace } from '../../drivers/virsh/metadata-xml.ts';
import { parseDomainXml } from '../../drivers/virsh/parse-domain-xml.ts';
import type { EventSource, HypervisorEvent } from '../../ports/event-source.ts';
import type { Hypervisor } from '../../ports/hypervisor.ts';
import type { DomainFacts, ModelHypervisor, ModelHypervisorDeps } from './hypervisor-handles.ts';
import { createModelAgent } from './model-agent.ts';
import { modelDomainXml } from './model-domain-xml.ts';
import { type GuestBehaviour, type ModelGuest, usualGuest } from './model-guest.ts';
import { createModelPower } from './model-power.ts';

/** Makes an empty host. Passes the same contract suite as libvirt. */
export const createModelHypervisor = ({ clock, losesEvent = () => false }: ModelHypervisorDeps): ModelHypervisor => {
  const guests = new Map<Uuid, ModelGuest>();
  const ages = new Map<Uuid, { readonly state: string; readonly sinceUnixMs: number }>();
  const watchers = new Set<Parameters<EventSource['lines']>[0]>();
  const calls: { what: string; uuid?: Uuid; atUnixMs: number }[] = [];
  const backing = new Map<string, string>();
  const unreadable = new Set<string>();
  let isAway = false;

  const tell = (guest: ModelGuest, event: string, detail: string): void => {
    const said: HypervisorEvent = { kind: 'event', event, domain: guest.name, detail, atUnixMs: clock.nowUnixMs() };
    if (!losesEvent(said)) for (const watcher of [...watchers]) watcher.onEvent(said);
  };
  const turn = (guest: ModelGuest, run: RunState, reason: RunReason): void => {
    guest.run = run;
    guest.reason = reason;
    if (run !== 'running') guest.agentConnected = false;
    if (run === 'off' || run === 'crashed') guest.limits = {};
    if (!guest.persistent && run === 'off') guests.delete(guest.uuid);
  };
  const power = createModelPower({ clock, tell, turn });

  const reach = async (what: string, uuid?: Uuid): Promise<void> => {
    calls.push({ what, ...(uuid && { uuid }), atUnixMs: clock.nowUnixMs() });
    await Promise.resolve();
    if (isAway) throw refusal(`libvirt did not ${what}: no connection`, 'libvirt-unreachable');
  };
  const need = async (what: string, uuid: Uuid): Promise<ModelGuest> => {
    await reach(what, uuid);
    const guest = guests.get(uuid);
    if (!guest) throw refusal(`libvirt did not ${what} domain ${uuid}: failed to get domain`, 'domain-absent');
    return guest;
  };
  const handle = (uuid: Uuid): ModelGuest => {
    const guest = guests.get(uuid);
    if (!guest) throw new Error(`the model has no domain ${uuid}`);
    return guest;
  };

  const chainOf = (uuid: Uuid, disk: string): readonly string[] => {
    if (unreadable.has(disk)) throw refusal(`the chain of ${disk} of ${uuid} cannot be read`, 'disk-chain-unknown');
    const below = backing.get(disk);
    return below === undefined ? [] : [below, ...chainOf(uuid, below)];
  };

  const read = new WeakMap<ModelGuest, { readonly xml: string; readonly facts: DomainFacts }>();
  const factsOf = (guest: ModelGuest): DomainFacts => {
    const known = read.get(guest);
    if (known?.xml === guest.xml) return known.facts;
    const facts = parseDomainXml(guest.xml);
    if (!facts) throw new Error(`the model's own XML of ${guest.name} cannot be read`);
    read.set(guest, { xml: guest.xml, facts });
    return facts;
  };

  const describe = (guest: ModelGuest): DomainState => {
    const facts = factsOf(guest);
    const { run, reason, persistent, agentConnected } = guest;
    const state = `${run}/${reason}`;
    const before = ages.get(guest.uuid);
    const nowUnixMs = clock.nowUnixMs();
    const isSame = before?.state === state && before.sinceUnixMs <= nowUnixMs;
    const sinceUnixMs = isSame ? before.sinceUnixMs : nowUnixMs;
    ages.set(guest.uuid, { state, sinceUnixMs });
    return {
      ...facts,
      run,
      reason,
      persistent,
      agentConnected,
      hasSavedImage: guest.saved !== 'none',
      sinceUnixMs,
      limits: guest.limits,
    };
  };

  const define = (xml: string, behaviour: Partial<GuestBehaviour> = {}): ModelGuest => {
    const facts = parseDomainXml(xml);
    if (!facts) throw refusal('libvirt did not define a domain: XML error', 'libvirt-refused');
    const before = guests.get(facts.uuid);
    if ([...guests.values()].some(({ name, uuid }) => name === facts.name && uuid !== facts.uuid)) {
      throw refusal(`libvirt did not define a domain: domain '${facts.name}' already exists`, 'libvirt-refused');
    }
    const guest = before ?? newGuest(facts.uuid, facts.name, xml, { ...usualGuest, ...behaviour });
    Object.assign(guest, { xml, name: facts.name, persistent: true });
    guests.set(guest.uuid, guest);
    tell(guest, 'lifecycle', before ? 'Defined Updated' : 'Defined Added');
    return guest;
  };

  const hypervisor: Hypervisor = {
    list: async () => {
      await reach('list');
      return [...guests.values()].map(describe);
    },
    look: async (uuid) => {
      await reach('look', uuid);
      const guest = guests.get(uuid);
      if (!guest) ages.delete(uuid);
      return guest ? describe(guest) : 'absent';
    },
    diskFiles: async (uuid) => {
      await reach('read the disk chains', uuid);
      const guest = guests.get(uuid);
      if (!guest) return [];
      const { disks, seeds } = describe(guest);
      const paths = [...seeds, ...disks.flatMap((disk) => [disk, ...chainOf(uuid, disk)])];
      return paths.map((path) => ({ path, realPath: path }));
    },
    start: async (uuid) => power.start(await need('start', uuid)),
    resumePaused: async (uuid) => power.resumePaused(await need('resume', uuid)),
    requestShutdown: async (uuid, mode) => power.requestShutdown(await need('ask to shut down', uuid), mode),
    powerOff: async (uuid, how) => {
      await reach(`power off (${how})`, uuid);
      const guest = guests.get(uuid);
      if (guest) power.powerOff(guest, how);
    },
    save: async (uuid) => power.save(await need('save', uuid)),
    dropSavedImage: async (uuid) => {
      (await need('drop saved image', uuid)).saved = 'none';
    },
    definition: async (uuid) => (await need('give the definition of', uuid)).xml,
    define: async (xml) => {
      await reach('define');
      define(xml);
    },
    undefine: async (uuid) => {
      await reach('undefine', uuid);
      const guest = guests.get(uuid);
      if (!guest) return;
      if (power.isOn(guest)) throw refusal(`domain ${uuid} is ${guest.run}`, 'domain-is-on', false);
      guests.delete(uuid);
      tell(guest, 'lifecycle', 'Undefined Removed');
    },
    writeMetadata: async (uuid, metadata) => {
      const guest = await need('write the metadata of', uuid);
      const whole = machineMetadataXml(metadata);
      guest.xml = guest.xml.replace(/<metadata>.*<\/metadata>/s, () => `<metadata>${whole}</metadata>`);
      tell(guest, 'metadata-change', `type element, uri ${machineNamespace}`);
    },
    setLink: async (uuid, mac, up) => {
      const guest = await need('set the link of', uuid);
      const facts = parseDomainXml(guest.xml);
      if (!facts?.interfaces.some((each) => each.mac === mac)) throw refusal(`no interface ${mac}`, 'libvirt-refused');
      const interfaces = facts.interfaces.map((each) => (each.mac === mac ? { mac, linkUp: up } : each));
      guest.xml = modelDomainXml({ ...facts, interfaces });
    },
    limit: async (uuid, limits) => {
      const guest = await need('limit', uuid);
      if (!power.isOn(guest)) throw refusal(`domain ${uuid} is off`, 'domain-off');
      for (const name of LIMIT_NAMES) {
        if (limits[name] !== guest.limits[name] && guest.behaviour.cannotLimit?.includes(name)) {
          throw refusal(`libvirt did not limit ${name} of ${guest.name}`, 'libvirt-refused');
        }
        const { [name]: _, ...others } = guest.limits;
        guest.limits = limits[name] === undefined ? others : { ...others, [name]: limits[name] };
      }
    },
    refreshPools: () => reach('refresh pools').catch(() => undefined),
  };

  return {
    ...hypervisor,
    calls,
    backing,
    unreadable,
    agent: createModelAgent({ clock, guest: (uuid) => guests.get(uuid), isAway: () => isAway }),
    events: {
      lines: (handlers) => {
        const watcher = { ...handlers };
        if (isAway) void Promise.resolve().then(() => watcher.onEnd('Failed to connect socket'));
        else watchers.add(watcher);
        return () => {
          watchers.delete(watcher);
          watcher.onEnd = () => undefined;
        };
      },
    },
    say: (event) => {
      for (const watcher of [...watchers]) watcher.onEvent(event);
    },
    forget: (uuid) => void ages.delete(uuid),
    create: ({ behaviour, ...domain }) => define(modelDomainXml(domain), behaviour),
    guest: (uuid) => guests.get(uuid),
    guests: () => [...guests.values()],
    factsOf,
    powerCut: () => {
      for (const guest of guests.values()) if (power.isOn(guest)) turn(guest, 'off', 'unknown');
      ages.clear();
      for (const watcher of [...watchers]) watcher.onEnd('the host is down');
      watchers.clear();
    },
    crash: (uuid) => power.stop(handle(uuid), 'crashed', 'Stopped Failed'),
    powerOffFromInside: (uuid) => power.stop(handle(uuid), 'shutdown', 'Stopped Shutdown'),
    rebootByHost: async (uuid, offMs) => {
      power.stop(handle(uuid), 'shutdown', 'Stopped Shutdown');
      await clock.sleep(offMs);
      power.start(handle(uuid));
    },
    pauseOnIoError: (uuid) => power.pause(handle(uuid), 'io-error', 'Suspended I/O Error'),
    suspendByOperator: (uuid) => power.pause(handle(uuid), 'user', 'Suspended Paused'),
    away: () => {
      isAway = true;
      const ended = [...watchers];
      watchers.clear();
      for (const watcher of ended) watcher.onEnd('Disconnected from the model due to end of file');
    },
    back: () => {
      isAway = false;
    },
  };
};

const newGuest = (uuid: Uuid, name: string, xml: string, behaviour: GuestBehaviour): ModelGuest => ({
  uuid,
  name,
  xml,
  run: 'off',
  reason: 'unknown',
  persistent: true,
  saved: 'none',
  limits: {},
  agentConnected: false,
  boots: 0,
  gecos: new Map([['customer', '']]),
  behaviour,
});

const refusal = (message: string, code: string, retryable = true): HypervisorError =>
  new HypervisorError(message, { code, retryable });
