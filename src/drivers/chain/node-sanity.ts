import type { CursorBlock } from '../../domain/chain-cursor.ts';
import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { Clock } from '../../ports/clock.ts';
import { headerAt, headerByTag } from './block-reads.ts';
import type { Anchor, ChainMemory } from './chain-memory.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';
import { type BlockHeader, chainIdAnswer, hexData, parseAnswer } from './rpc-schema.ts';

/** A node that passed C7, with the head it had at that moment. */
export interface SaneNode {
  readonly endpoint: RpcEndpoint;
  readonly head: BlockHeader;
}

export interface NodeSanityDeps {
  readonly endpoint: RpcEndpoint;
  readonly settings: ChainSettings;
  readonly memory: ChainMemory;
  readonly clock: Clock;
}

/** `witness`: its head may be a little older. `glance`: so it may, and nothing is remembered of it. */
export type LookMode = 'serve' | 'witness' | 'glance';

/** Questions whose answers hardly change are asked again after this long, and after any failure. */
const RECHECK_MS = 60_000;

/**
 * Checks one node before a decision is based on it (C7): chain id, code at every contract, a head that is young and
 * not below what was seen, and our last settled block on its chain. Rejects with an `RpcFailure` that says what was
 * found, what is wanted and what to do. A head beyond what can be is this node's fault alone, and is not remembered.
 */
export const createNodeSanity = (deps: NodeSanityDeps) => {
  const { endpoint, settings, memory } = deps;
  let slowChecksAtMs = Number.NEGATIVE_INFINITY;
  let anchorChecked = '';
  let lastHead = 0n;

  const check = async (mode: LookMode): Promise<SaneNode> => {
    const seenBefore = memory.highestHead();
    const slowDue = deps.clock.monotonicMs() - slowChecksAtMs > RECHECK_MS;
    const [head] = await Promise.all([headerByTag(endpoint, 'latest'), requireChainId(endpoint, settings.chainId)]);
    requireYoungHead(head, settings.maxHeadAgeMs, deps.clock.nowUnixMs());
    requirePlausible(head, seenBefore, memory.plausibleHead());
    await requireAnchor(head, slowDue || head.number < lastHead);
    lastHead = head.number;
    if (slowDue) {
      await requireCode(endpoint, settings);
      slowChecksAtMs = deps.clock.monotonicMs();
    }
    if (mode === 'glance') return { endpoint, head };
    if (mode === 'serve' && head.number < seenBefore) {
      throw new RpcFailure('behind', `its head ${head.number} is below block ${seenBefore}, seen before`);
    }
    memory.sawHead(head.number);
    return { endpoint, head };
  };

  /** Our last settled block has to be on its chain. A node that has not got there yet is judged by what else is known. */
  const requireAnchor = async (head: BlockHeader, due: boolean): Promise<void> => {
    const anchor = memory.anchor();
    if (!anchor || (!due && anchorChecked === anchor.hash)) return;
    if (anchor.number > head.number) {
      requireSameChainBelow(head, anchor, memory.remembered(head.number));
      return;
    }
    const found = await headerAt(endpoint, anchor.number);
    if (found?.hash !== anchor.hash) throw offCursor(anchor, found ? `it has hash ${found.hash}` : 'it does not exist');
    anchorChecked = anchor.hash;
  };

  return async (mode: LookMode = 'serve'): Promise<SaneNode> => {
    try {
      return await check(mode);
    } catch (error) {
      if (!(error instanceof RpcFailure && error.fault === 'behind')) slowChecksAtMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  };
};

const offCursor = (anchor: Anchor, instead: string): RpcFailure =>
  new RpcFailure('off-cursor', `settled block ${anchor.number} had hash ${anchor.hash}; on this node ${instead}`);

/**
 * A head below our settled block is a lagging node's or another chain's (D23). Another chain's when we remember another
 * block at that height, or when it is younger than a block that is higher up: time never runs backwards on one chain.
 */
const requireSameChainBelow = (head: BlockHeader, anchor: Anchor, remembered: CursorBlock | undefined): void => {
  if (remembered?.hash === head.hash) return;
  const younger = anchor.timestampUnix === undefined || head.timestampUnix > anchor.timestampUnix;
  if (remembered || younger) throw offCursor(anchor, `the head is block ${head.number} with hash ${head.hash}`);
};

const requireChainId = async (endpoint: RpcEndpoint, wanted: number): Promise<void> => {
  const found = parseAnswer(chainIdAnswer, await endpoint.request('eth_chainId', []), 'eth_chainId');
  if (found === wanted) return;
  throw new RpcFailure('wrong-chain', `the node is on chain ${found}, chain ${wanted} is configured`, {
    hint: 'correct the RPC URL or the chain id in the configuration',
  });
};

const requireYoungHead = (head: BlockHeader, maxAgeMs: number, nowUnixMs: number): void => {
  const ageMs = nowUnixMs - Number(head.timestampUnix) * 1000;
  if (ageMs <= maxAgeMs) return;
  const text = `its head ${head.number} is ${Math.round(ageMs / 1000)} s old, ${Math.round(maxAgeMs / 1000)} s are allowed`;
  throw new RpcFailure('stale', text, { hint: "check the node and this host's clock" });
};

const requirePlausible = (head: BlockHeader, seenBefore: bigint, plausible: bigint | undefined): void => {
  if (plausible === undefined || head.number <= plausible) return;
  const text = `its head ${head.number} is beyond all that can have been mined since block ${seenBefore} was seen`;
  throw new RpcFailure('ahead', text, { hint: 'compare its head with another node; remove the one that is wrong' });
};

const requireCode = async (endpoint: RpcEndpoint, settings: ChainSettings): Promise<void> => {
  const wanted = settings.contracts.map(({ address }) => address);
  if (settings.credentialNft) wanted.push(settings.credentialNft);
  await Promise.all(
    [...new Set(wanted)].map(async (address) => {
      const code = parseAnswer(hexData, await endpoint.request('eth_getCode', [address, 'latest']), 'eth_getCode');
      if (code !== '0x') return;
      throw new RpcFailure('no-code', `there is no contract at ${address} on chain ${settings.chainId}`, {
        hint: 'correct the contract address or the RPC URL in the configuration',
      });
    }),
  );
};
