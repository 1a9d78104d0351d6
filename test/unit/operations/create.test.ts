import { describe, expect, it } from 'vitest';
import { answerLine } from '../../../src/domain/create-answer.ts';
import { HypervisorError, JournalError } from '../../../src/domain/errors.ts';
import { known } from '../../../src/domain/fact.ts';
import type { MachineMemory } from '../../../src/domain/journal/memory.ts';
import { createMachine, planCreate } from '../../../src/operations/create/create.ts';
import { undoCreate } from '../../../src/operations/undo-create.ts';
import type { Chain } from '../../../src/ports/chain.ts';
import { MODEL_BASE } from '../../../src/simulator/models/model-builder.ts';
import { type CreateWorld, createCreateWorld, requestFor } from '../../models/model-create.ts';
import { refOf } from '../../models/model-ledger.ts';
import { OWNER } from '../../models/model-world.ts';

/** Everything that a create could leave behind. */
const traces = async (world: CreateWorld) => ({
  machines: Object.keys(world.journal.state().machines),
  domains: (await world.hypervisor.list()).map(({ name }) => name),
  files: [...world.builder.files.keys()],
  records: (await world.records.list()).map(({ name, status }) => `${name} ${status}`),
  allocated: await world.records.allocated(),
  reservations: [...(await world.records.reservations()).keys()],
});
const NOTHING = {
  machines: [],
  domains: [],
  files: [],
  records: [],
  allocated: { ipv4: [], ipv6: [] },
  reservations: [],
};
const only = (world: CreateWorld) => {
  const [memory] = Object.values(world.journal.state().machines);
  if (!memory) throw new Error('no machine');
  return memory;
};

describe('a create with --apply', () => {
  it('makes, registers and starts a machine that is bound to its subscription (D9, D19)', async () => {
    const world = createCreateWorld();
    world.buy(7);
    const answer = await createMachine(world.deps, requestFor('blockhost-007', { mint: false }));
    expect(answerLine(answer)).toBe(
      '{"status":"ok","vm_name":"blockhost-007","ip":"192.168.122.2","ipv6":"2001:db8::3","vmid":"blockhost-007","nft_token_id":1,"username":"user"}',
    );
    expect(only(world)).toMatchObject({
      phase: 'present',
      machineClass: { kind: 'bound', subscription: refOf(7n) },
      run: { on: true },
      failures: {},
      details: { base: MODEL_BASE.digest, owner: OWNER, disks: ['/vms/blockhost-007.qcow2'] },
    });
    expect(await world.records.read('blockhost-007')).toMatchObject({
      status: 'active',
      ownerWallet: OWNER,
      expiresAtUnix: world.ledger.expiry(refOf(7n), 'head'),
      nftTokenId: 1n,
      nftMinted: false,
    });
    expect(await world.records.allocated()).toEqual({ ipv4: ['192.168.122.2'], ipv6: ['2001:db8::3'] });
    expect(await world.records.reservations()).toEqual(new Map([[1n, 'blockhost-007']]));
    expect(world.hypervisor.guest(only(world).uuid)?.run).toBe('running');
    expect([...world.routes]).toEqual(['2001:db8::3']);
    expect(world.told.at(-1)).toMatch(/answers after \d+ s/);
    expect(world.builder.seeds.get('blockhost-007')?.metaData).toContain(only(world).uuid);
  });

  it('is left alone by the daemon afterwards, which finds everything in order (L1)', async () => {
    const world = createCreateWorld();
    world.buy(7);
    await createMachine(world.deps, requestFor('blockhost-007', { mint: false }));
    const { length } = world.events;
    await world.pass(only(world).uuid, 30_000, 5000);
    const after = world.events.slice(length).map(({ kind }) => kind);
    expect(after.filter((kind) => kind !== 'expiry-read')).toEqual([]);
  });

  it('makes a machine of its own where the name means no subscription, and expires it after the days that were asked', async () => {
    const world = createCreateWorld();
    await createMachine(world.deps, requestFor('testbox', { expiryDays: '3', mint: false }));
    expect(only(world).machineClass).toEqual({ kind: 'record-only' });
    const { expiresAtUnix } = (await world.records.read('testbox')) ?? {};
    const inDays = (Number(expiresAtUnix) - world.clock.nowUnixMs() / 1000) / 86_400;
    expect(inDays).toBeGreaterThan(2.99);
    expect(inDays).toBeLessThanOrEqual(3);
  });

  it('can be made again from its domain alone, when journal and records are lost (D8)', async () => {
    const world = createCreateWorld();
    world.buy(7);
    await createMachine(world.deps, requestFor('blockhost-007', { mint: false }));
    const [domain] = await world.hypervisor.list();
    expect(domain?.metadata).toMatchObject({
      subscription: refOf(7n),
      made: {
        ipv4: '192.168.122.2',
        ipv6: '2001:db8::3',
        owner: OWNER,
        username: 'user',
        nftTokenId: 1n,
        base: MODEL_BASE.digest,
      },
    });
    const fresh = createCreateWorld();
    fresh.buy(7);
    const { uuid } = fresh.hypervisor.create({
      uuid: domain?.uuid ?? '',
      name: 'blockhost-007',
      interfaces: [{ mac: '52:54:00:00:00:01', linkUp: true }],
      ...(domain?.metadata && { metadata: domain.metadata }),
    });
    await fresh.pass(uuid, 10_000, 5000);
    expect(await fresh.records.read('blockhost-007')).toMatchObject({
      status: 'active',
      ipAddress: '192.168.122.2',
      ipv6Address: '2001:db8::3',
      owner: OWNER,
      nftTokenId: 1n,
      nftMinted: false,
    });
    expect((await fresh.records.allocated()).ipv4).toEqual(['192.168.122.2']);
  });

  it('names all that is missing at once, and changes nothing', async () => {
    const world = createCreateWorld();
    world.builder.base('absent');
    world.builder.lacks('the bridge br0 is not there', 'cloud-localds is not installed');
    world.builder.has({ memoryFreeMib: 1000, storageFreeBytes: 5 * 1024 ** 3, cpus: 2 });
    world.missingSeeds.push('no cloud-init template was found');
    await expect(createMachine(world.deps, requestFor('testbox', { cpu: '4' }))).rejects.toMatchObject({
      message:
        'testbox cannot be created: the bridge br0 is not there; cloud-localds is not installed; ' +
        'no cloud-init template was found; there is no template; run blockhost-build-template; ' +
        '4 CPUs are wanted, the host has 2; 2048 MiB of memory are wanted, 1000 MiB are free; ' +
        'a disk of 20 GiB is wanted, 5 GiB are free',
    });
    expect(await traces(world)).toEqual(NOTHING);
    expect(world.events).toEqual([]);
  });

  it('takes no place where a file lies already', async () => {
    const world = createCreateWorld();
    world.builder.files.set('/vms/testbox.qcow2', 'somebody');
    await expect(createMachine(world.deps, requestFor('testbox'))).rejects.toThrow(/testbox.qcow2 is in its way/);
    expect(world.builder.files.get('/vms/testbox.qcow2')).toBe('somebody');
  });

  it('never removes a file that came into its place after the first look', async () => {
    const world = createCreateWorld();
    const { makeSeed } = world.builder;
    Object.assign(world.builder, {
      makeSeed: async (...args: Parameters<typeof makeSeed>) => {
        await makeSeed(...args);
        world.builder.files.set('/vms/testbox.qcow2', 'somebody');
      },
    });
    await expect(createMachine(world.deps, requestFor('testbox'))).rejects.toThrow(/is there already/);
    expect(await traces(world)).toEqual({ ...NOTHING, files: ['/vms/testbox.qcow2'] });
  });

  it('undoes everything when it is interrupted before the commit', async () => {
    const world = createCreateWorld();
    const { makeDisk } = world.builder;
    Object.assign(world.builder, {
      makeDisk: async (...args: Parameters<typeof makeDisk>) => {
        await makeDisk(...args);
        world.interrupt();
      },
    });
    await expect(createMachine(world.deps, requestFor('testbox'))).rejects.toMatchObject({ code: 'interrupted' });
    expect(await traces(world)).toEqual(NOTHING);
  });
});

describe('the name of a new machine', () => {
  it('is refused while a machine, a live record or a foreign domain has it', async () => {
    const world = createCreateWorld();
    await createMachine(world.deps, requestFor('testbox', { mint: false }));
    await expect(createMachine(world.deps, requestFor('testbox'))).rejects.toThrow(
      'testbox cannot be created: a machine called testbox is there already (present)',
    );
    world.hypervisor.create({ uuid: '11111111-0000-4000-8000-000000000001', name: 'theirs' });
    await expect(createMachine(world.deps, requestFor('theirs'))).rejects.toThrow(/none of ours/);
    await world.records.restore({
      name: 'lost',
      ipAddress: '192.168.122.99',
      ipv6Address: '',
      owner: OWNER,
      username: 'user',
      expiresAtUnix: 1n,
      createdAtUnix: 1n,
      status: 'suspended',
    });
    await expect(createMachine(world.deps, requestFor('lost'))).rejects.toThrow(/called lost \(suspended\)/);
  });

  it('is refused with a hint while its own subscription waits in quarantine, and free after the purge (D21)', async () => {
    const world = createCreateWorld({ graceMs: 60_000, quarantineMs: 600_000 });
    const { uuid } = await world.sell(7, 30);
    await world.pass(uuid, 300_000, 5000);
    expect(world.journal.state().machines[uuid]?.phase).toBe('quarantined');
    await expect(createMachine(world.deps, requestFor('blockhost-007'))).rejects.toThrow(
      /quarantine: blockhost-vm-resume blockhost-007 brings it back, blockhost-vm-destroy blockhost-007 deletes it/,
    );
    await world.pass(uuid, 1_000_000, 10_000);
    expect(world.journal.state().machines[uuid]?.phase).toBe('gone');
    await createMachine(world.deps, requestFor('blockhost-007', { mint: false }));
    expect(await world.records.read('blockhost-007')).toMatchObject({ status: 'active' });
  });

  it('is not shared by two creates at once', async () => {
    const world = createCreateWorld();
    await world.locks.withCreate('testbox', { waitMs: 0 }, async () => {
      const { withCreate } = world.locks;
      const busy = {
        ...world.locks,
        withCreate: ((name, _wait, body) => withCreate(name, { waitMs: 0 }, body)) as typeof withCreate,
      };
      await expect(createMachine({ ...world.deps, locks: busy }, requestFor('testbox'))).rejects.toThrow(
        'testbox cannot be created: another create of that name is under way',
      );
    });
  });
});

describe('the chain at a create', () => {
  it('is waited for, since the caller may have seen what the node has not (D9)', async () => {
    const world = createCreateWorld();
    world.clock.sleep(6000).then(() => world.buy(7));
    await createMachine(world.deps, requestFor('blockhost-007', { mint: false }));
    expect(only(world).machineClass.kind).toBe('bound');
    expect(world.told).toContain('waiting for subscription 7 to show on the chain');
  });

  it('that says "no such subscription" to the end makes a machine that its record decides (D9)', async () => {
    const world = createCreateWorld();
    await createMachine(world.deps, requestFor('blockhost-007', { mint: false }));
    expect(only(world).machineClass.kind).toBe('record-only');
  });

  /** A node whose head is older than what its caller has seen. */
  const behind = (world: CreateWorld, lagMs: (startedMs: number) => number, showsAfterMs: number) => {
    const startMs = world.clock.nowUnixMs();
    const subscription: Chain['subscription'] = async (ref) => {
      const nowMs = world.clock.nowUnixMs();
      if (nowMs - startMs >= showsAfterMs) return world.ledger.subscription(ref);
      const timestampUnix = BigInt(Math.floor((nowMs - lagMs(nowMs - startMs)) / 1000));
      return known({ absent: true, atBlock: { number: timestampUnix, hash: `0x${timestampUnix}`, timestampUnix } });
    };
    return { ...world.deps, chain: { ...world.ledger, subscription } };
  };

  it('that lags by more than our patience is no witness that there is none: it is waited for (C7, D9)', async () => {
    const world = createCreateWorld();
    world.buy(7);
    await createMachine(
      behind(world, () => 40_000, 36_000),
      requestFor('blockhost-007', { mint: false }),
    );
    expect(only(world).machineClass.kind).toBe('bound');
  });

  it('that stands still since before it was asked refuses, and says why (L3, D9)', async () => {
    const world = createCreateWorld();
    const deps = behind(world, (passedMs) => 5_000 + passedMs, Number.POSITIVE_INFINITY);
    await expect(createMachine(deps, requestFor('blockhost-007'))).rejects.toMatchObject({
      code: 'chain-unreadable',
      message: expect.stringMatching(/the newest block is older than this command/),
    });
    expect(await traces(world)).toEqual(NOTHING);
  });

  it('that does not answer to the end refuses: the class is for ever (L3)', async () => {
    const world = createCreateWorld();
    world.buy(7);
    world.ledger.outage(true);
    await expect(createMachine(world.deps, requestFor('blockhost-007'))).rejects.toMatchObject({
      code: 'chain-unreadable',
    });
    expect(await traces(world)).toEqual(NOTHING);
  });

  it('that does not tell how many tokens there are holds nothing back (D19)', async () => {
    const world = createCreateWorld();
    world.ledger.outage(true);
    expect((await createMachine(world.deps, requestFor('testbox', { mint: false }))).nftTokenId).toBe(1n);
    expect(world.told.join('\n')).toContain('chosen from the reservations alone');
  });
});

describe('a start after the commit', () => {
  const failing = (retryable: boolean) => {
    const world = createCreateWorld();
    Object.assign(world.deps, {
      hypervisor: {
        ...world.hypervisor,
        start: async () => {
          throw new HypervisorError('no memory', { code: 'no-memory', retryable });
        },
      },
    });
    return world;
  };

  it('that time can cure is the daemon’s: the answer is given, and the machine is started later (L6)', async () => {
    const world = failing(true);
    world.buy(7);
    const answer = await createMachine(world.deps, requestFor('blockhost-007', { mint: false }));
    expect(answer.name).toBe('blockhost-007');
    expect(world.told.at(-1)).toMatch(/did not start: no memory; the daemon starts it/);
    await world.pass(only(world).uuid, 20_000);
    expect(world.hypervisor.guest(only(world).uuid)?.run).toBe('running');
  });

  it('that time cannot cure fails the command and keeps the machine', async () => {
    const world = failing(false);
    await expect(createMachine(world.deps, requestFor('testbox'))).rejects.toMatchObject({
      code: 'created-not-started',
    });
    expect(only(world).phase).toBe('present');
    expect(await world.records.read('testbox')).toMatchObject({ status: 'active' });
  });

  it('undoes nothing any more, not even where the journal is full (L4)', async () => {
    const world = createCreateWorld();
    const { append } = world.journal;
    const journal = {
      ...world.journal,
      append: async (events: Parameters<typeof append>[0]) => {
        if (events.some(({ kind }) => kind === 'outcome'))
          throw new JournalError('no space left', { code: 'journal-full', retryable: true });
        return append(events);
      },
    };
    const answer = await createMachine({ ...world.deps, journal }, requestFor('testbox', { mint: false }));
    expect(answer.name).toBe('testbox');
    expect(only(world).phase).toBe('present');
    expect(await world.records.read('testbox')).toMatchObject({ status: 'active' });
  });

  it('is never taken back by a daemon that saw the machine before the commit (L5)', async () => {
    const world = createCreateWorld();
    let before: MachineMemory | undefined;
    const { makeDisk } = world.builder;
    Object.assign(world.builder, {
      makeDisk: async (...args: Parameters<typeof makeDisk>) => {
        before = only(world);
        await makeDisk(...args);
      },
    });
    await createMachine(world.deps, requestFor('testbox', { mint: false }));
    if (before === undefined) throw new Error('nothing was made');
    await undoCreate(world.deps, before);
    expect(world.hypervisor.guest(before.uuid)?.run).toBe('running');
    expect(await world.records.read('testbox')).toMatchObject({ status: 'active' });
  });

  it('a silent agent is waited for and forgiven', async () => {
    const world = createCreateWorld();
    Object.assign(world.deps, { agent: { ...world.hypervisor.agent, ping: async () => false } });
    await createMachine(world.deps, requestFor('testbox', { mint: false }));
    expect(world.told.at(-1)).toMatch(/does not answer yet/);
  });

  it('a root agent that is away costs the route alone (D27)', async () => {
    const world = createCreateWorld();
    Object.assign(world.deps, {
      hostRoutes: { add: () => Promise.reject(new Error('no root agent')), remove: async () => undefined },
    });
    await createMachine(world.deps, requestFor('testbox', { mint: false }));
    expect(world.hypervisor.guest(only(world).uuid)?.run).toBe('running');
    expect(world.told).toContain('warning: no host route to 2001:db8::3: no root agent');
  });
});

describe('the credential', () => {
  it('is minted for its UUID, which is never used again, where nobody else does it; its real id is told and noted (D19, D25)', async () => {
    const world = createCreateWorld();
    const answer = await createMachine(world.deps, requestFor('testbox'));
    expect(answer.nftTokenId).toBe(42n);
    expect([...world.minted]).toEqual([[only(world).uuid, { owner: OWNER }]]);
    expect(await world.records.read('testbox')).toMatchObject({ nftTokenId: 42n, nftMinted: true });
    expect([...(await world.records.reservations()).keys()]).toEqual([42n]);
    expect(only(world).details).toMatchObject({ nftTokenId: 42n, nftMinted: true });
  });

  it('is named by the guest as it was minted, whatever was reserved (D19, interop §5)', async () => {
    const world = createCreateWorld();
    await createMachine(world.deps, requestFor('testbox', { username: 'customer' }));
    const { uuid } = only(world);
    expect(world.hypervisor.guest(uuid)?.gecos.get('customer')).toBe(`wallet=${OWNER},nft=42`);
    expect((await world.records.read('testbox'))?.gecosSynced).not.toBe(false);
  });

  it('that no agent could be told of is left to the daemon (D25)', async () => {
    const world = createCreateWorld();
    const exec = async () => {
      throw new Error('it boots');
    };
    const agent = { ...world.deps.agent, exec };
    expect((await createMachine({ ...world.deps, agent }, requestFor('testbox'))).nftTokenId).toBe(42n);
    expect(world.told.at(-1)).toMatch(/is not told of token 42 yet: it boots; the daemon does it/);
    expect(await world.records.read('testbox')).toMatchObject({ gecosSynced: false, nftMinted: true });
  });

  it('carries connection details for the holder of the signature', async () => {
    const world = createCreateWorld();
    await createMachine(
      world.deps,
      requestFor('testbox', { userSignature: '0xabcd', publicSecret: 'libpam-web3:x:1' }),
    );
    expect([...world.minted.values()][0]?.userEncrypted).toBe(`0x${Buffer.from('2001:db8::3|0xabcd').toString('hex')}`);
  });

  it('that cannot be minted leaves the machine whole, with a warning', async () => {
    const world = createCreateWorld();
    world.breakMint();
    expect((await createMachine(world.deps, requestFor('testbox'))).nftTokenId).toBe(1n);
    expect(world.told.at(-1)).toMatch(/not minted: no gas; blockhost-mint-nft .* mints it later/);
    expect(await world.records.read('testbox')).toMatchObject({ nftMinted: false });
  });

  it('may have been reserved by the caller, but not by somebody else', async () => {
    const world = createCreateWorld();
    await createMachine(world.deps, requestFor('testbox', { nftTokenId: '9', mint: false }));
    await expect(createMachine(world.deps, requestFor('other', { nftTokenId: '9' }))).rejects.toThrow(
      'other cannot be created: token 9 is reserved for testbox',
    );
    expect((await createMachine(world.deps, requestFor('other', { mint: false }))).nftTokenId).toBe(10n);
  });
});

describe('a create without --apply', () => {
  it('gives the values that would be used, and changes nothing (D18)', async () => {
    const world = createCreateWorld();
    world.buy(7);
    const request = requestFor('blockhost-007', { apply: false });
    expect(answerLine(await planCreate(world.deps, request))).toBe(
      '{"status":"ok","vm_name":"blockhost-007","ip":"192.168.122.2","ipv6":"2001:db8::3","vmid":"blockhost-007","nft_token_id":1,"username":"user"}',
    );
    expect(await traces(world)).toEqual(NOTHING);
    expect(world.events).toEqual([]);
    expect(world.told.join('\n')).toMatch(/nothing is changed without --apply/);
    expect(request.mint).toBe(false);
  });
});

describe('fifty creates at once', () => {
  it('share no address, no token, no hardware address (L2, D19)', { timeout: 60_000 }, async () => {
    const world = createCreateWorld();
    const names = Array.from({ length: 50 }, (_, i) => `box-${i}`);
    const patience = { ...world.deps.patience, agentMs: 0 };
    const answers = await Promise.all(
      names.map((name) => createMachine({ ...world.deps, patience }, requestFor(name, { mint: false }))),
    );
    const distinct = (values: readonly unknown[]): number => new Set(values).size;
    expect(distinct(answers.map(({ ipv4 }) => ipv4))).toBe(50);
    expect(distinct(answers.map(({ ipv6 }) => ipv6))).toBe(50);
    expect(distinct(answers.map(({ nftTokenId }) => nftTokenId))).toBe(50);
    const domains = await world.hypervisor.list();
    expect(distinct(domains.flatMap(({ interfaces }) => interfaces.map(({ mac }) => mac)))).toBe(50);
    expect((await world.records.list()).length).toBe(50);
    const { ipv4, ipv6 } = await world.records.allocated();
    expect([ipv4.length, ipv6.length]).toEqual([50, 50]);
  });
});
