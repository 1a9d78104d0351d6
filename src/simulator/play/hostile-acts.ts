import { TOPIC, words } from '../models/abi.ts';
import { hex, NFT, SUBSCRIPTIONS } from '../models/model-chain.ts';
import { heal, mayLie } from './node-acts.ts';
import { after, type Executors, machineAt, type Of, unixNow } from './stage.ts';

const MAX = 2n ** 256n - 1n;
const MEGABYTE = `0x${'f0'.repeat(500_000)}`;
const DEEP_LEVELS = 100_000;
const LIST_LENGTH = 20_000;

/** Lists in lists; made once, since it costs its time. */
let deepOnce: unknown;
const deep = (): unknown => {
  if (deepOnce === undefined) for (let level = 0; level < DEEP_LEVELS; level += 1) deepOnce = [deepOnce];
  return deepOnce;
};

const logNoise = (index: number): unknown => ({
  address: index % 2 === 0 ? SUBSCRIPTIONS : NFT,
  topics: [TOPIC.SubscriptionExtended, words(MAX), words(MAX), words(MAX)],
  data: words(MAX, MAX),
  blockNumber: hex(MAX),
  blockHash: words(index),
  logIndex: hex(index),
});

/** Every member that is a quantity is as large as it gets, and the rest as it was. */
const maximal = (result: unknown): unknown => {
  if (typeof result === 'string') return words(MAX, MAX, MAX, MAX, MAX);
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return result;
  return { ...result, number: hex(MAX), timestamp: hex(MAX) };
};

const WRONG_TYPES = [null, 7, true, {}, [[]], 'no number', '0xzz', { number: [], hash: {} }] as const;

const SAYS: Readonly<Record<Of<'babble'>['says'], (method: string, result: unknown, turn: number) => unknown>> = {
  megabytes: (_method, result) =>
    typeof result === 'object' && result !== null ? { ...result, hash: MEGABYTE } : MEGABYTE,
  depths: () => deep(),
  'wrong types': (_method, _result, turn) => WRONG_TYPES[turn % WRONG_TYPES.length],
  'long lists': (method, result) =>
    method === 'eth_getLogs' ? Array.from({ length: LIST_LENGTH }, (_, index) => logNoise(index)) : result,
  maxima: (_method, result) => maximal(result),
};

export const babble: Executors['babble'] = (stage, { node: number, says, forMs }) => {
  const node = stage.world.chain.nodes[number % stage.world.chain.nodes.length];
  if (!node || !mayLie(stage)) return;
  let turn = 0;
  node.faults.tamper = (method, _params, result) => {
    turn += 1;
    return SAYS[says](method, result, turn);
  };
  const end = stage.troubles.begin('node');
  after(stage, forMs, () => {
    heal(stage, node);
    end();
  });
};

const EXPIRIES: Readonly<Record<Of<'hostile-expiry'>['is'], bigint>> = {
  'the largest number': MAX,
  zero: 0n,
  'far beyond any calendar': 2n ** 64n,
};

/** The contract itself says so: it is as true as any other expiry. */
export const hostileExpiry: Executors['hostile-expiry'] = (stage, { machine: number, is }) => {
  const machine = machineAt(stage, number);
  if (!machine || unixNow(stage) === 0n) return;
  stage.world.chain.send({ kind: 'extend', id: machine.id, expiresAt: EXPIRIES[is] });
};

/** What a watcher of libvirt's events may be told by a name or a text that somebody chose. */
export const longLines: Executors['long-lines'] = ({ world }, { bytes, count }) => {
  const text = 'x'.repeat(bytes);
  for (let index = 0; index < count; index += 1) {
    world.hypervisor.say({ kind: 'event', event: 'lifecycle', domain: `${text}${index}`, detail: 'Stopped Failed' });
    world.hypervisor.say({ kind: 'event', event: text, domain: 'blockhost-001', detail: text });
    world.hypervisor.say({ kind: 'continuation', text });
    world.hypervisor.say({ kind: 'unparsed', line: `${text}${index}` });
  }
};
