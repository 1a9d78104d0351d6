import type { ChainCursor } from '../../../../src/domain/chain-cursor.ts';
import type { ChainSettings } from '../../../../src/domain/chain-settings.ts';
import type { SubscriptionRef } from '../../../../src/domain/identity.ts';
import { createChain } from '../../../../src/drivers/chain/chain.ts';
import { createFollower } from '../../../../src/drivers/chain/follower.ts';
import type { ChainHint } from '../../../../src/ports/chain.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import type { CursorStore } from '../../../../src/ports/cursor-store.ts';
import type { Log } from '../../../../src/ports/log.ts';
import {
  createModelChain,
  type ModelAction,
  type ModelChain,
  MULTICALL,
  NFT,
  SUBSCRIPTIONS,
} from '../../../../src/simulator/models/model-chain.ts';
import { createModelNode, type ModelNode, type NodeFaults } from '../../../../src/simulator/models/model-node.ts';

/** A clock that stands until it is moved; waits of a few milliseconds pass by themselves, as a batch needs it. */
export const createTestClock = (startUnixMs: number) => {
  let nowMs = startUnixMs;
  const sleepers = new Set<{ dueMs: number; wake: () => void }>();
  const clock: Clock = {
    nowUnixMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (ms <= 10) {
          setImmediate(resolve);
          return;
        }
        const sleeper = { dueMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
  };
  const advance = (ms: number): void => {
    nowMs += ms;
    for (const sleeper of sleepers) {
      if (sleeper.dueMs > nowMs) continue;
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };
  return { clock, advance, sleeping: () => sleepers.size };
};

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export const createLogRecorder = () => {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, message, fields });
  };
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return { log, lines, of: (level: LogLine['level']) => lines.filter((line) => line.level === level) };
};

export const createModelCursorStore = () => {
  let saved: ChainCursor | undefined;
  let acknowledgedAtUnixMs = Number.NEGATIVE_INFINITY;
  let saves = 0;
  const derived: ChainHint[] = [];
  const store: CursorStore & { failing: boolean } = {
    failing: false,
    load: async () => saved,
    save: async (_id, cursor, hints) => {
      if (store.failing) throw new Error('ENOSPC: no space left on device');
      saved = cursor;
      saves += 1;
      derived.push(...hints);
    },
    acknowledgedSince: async (_id, sinceUnixMs) => acknowledgedAtUnixMs >= sinceUnixMs,
  };
  return {
    store,
    saved: () => saved,
    saves: () => saves,
    derived: () => derived,
    acknowledge: (atUnixMs: number) => {
      acknowledgedAtUnixMs = atUnixMs;
    },
  };
};

export const START_UNIX = 1_000_000n;

export const settingsFor = (endpoints: number, overrides: Partial<ChainSettings> = {}): ChainSettings => ({
  chainId: 31337,
  endpoints: Array.from({ length: endpoints }, (_, index) => ({
    url: `http://user:secret@node${index}.example:8545/key?x=1`,
  })),
  contracts: [{ kind: 'subscriptions', address: SUBSCRIPTIONS, namePrefix: 'blockhost-' }],
  credentialNft: NFT,
  multicall: MULTICALL,
  safe: 'tag',
  finalized: 'tag',
  pollEveryMs: 1000,
  requestTimeoutMs: 5000,
  maxHeadAgeMs: 60_000,
  cursorBlocks: 128,
  ...overrides,
});

export interface LabOptions {
  readonly nodes?: number;
  readonly finality?: { safe: number; finalized: number };
  readonly settings?: Partial<ChainSettings>;
  readonly faults?: readonly NodeFaults[];
}

/** A model chain with its nodes, our reader and follower on top, and a clock that follows the head. */
export const createChainLab = ({
  nodes = 1,
  finality = { safe: 2, finalized: 4 },
  settings: overrides,
  faults,
}: LabOptions = {}) => {
  let chain: ModelChain = createModelChain({ startUnix: START_UNIX });
  const members: ModelNode[] = Array.from({ length: nodes }, (_, index) =>
    createModelNode(() => chain, finality, faults?.[index] ?? {}),
  );
  const settings = settingsFor(nodes, overrides);
  const time = createTestClock(Number(START_UNIX) * 1000);
  const recorder = createLogRecorder();
  const connect = (url: string) => {
    const index = Number(/node(\d+)\./.exec(url)?.[1]);
    return (request: Parameters<ModelNode['request']>[0]) => {
      const node = members[index];
      if (!node) throw new Error(`no node behind ${url}`);
      return node.request(request);
    };
  };
  const cursor = createModelCursorStore();
  const build = () => {
    const reader = createChain({ settings: [settings], clock: time.clock, log: recorder.log, connect });
    const pool = reader.pool(settings.chainId);
    if (!pool) throw new Error('the chain has no pool');
    const deps = { settings, cursorStore: cursor.store, clock: time.clock, log: recorder.log, pool };
    return { reader, follower: createFollower(deps), pool };
  };
  const node = (index: number): ModelNode => {
    const found = members[index];
    if (!found) throw new Error(`no node ${index}`);
    return found;
  };
  /** Brings the clock to the head's time, as a chain and its host run together. */
  const keepTime = (): void => {
    const behindMs = Number(chain.head().timestamp) * 1000 - time.clock.nowUnixMs();
    if (behindMs > 0) time.advance(behindMs);
  };
  return {
    ...build(),
    restart: build,
    settings,
    node,
    time,
    recorder,
    cursor,
    chain: () => chain,
    replaceChain: (next: ModelChain) => {
      chain = next;
    },
    keepTime,
    mine: (...args: Parameters<ModelChain['mine']>) => {
      const block = chain.mine(...args);
      keepTime();
      return block;
    },
    reorg: (...args: Parameters<ModelChain['reorg']>) => {
      chain.reorg(...args);
      keepTime();
    },
  };
};

export const ref = (subscriptionId: bigint): SubscriptionRef => ({
  chainId: 31337,
  contract: SUBSCRIPTIONS,
  subscriptionId,
});

/** Ids that the hints name, as text. */
export const hinted = (hints: readonly ChainHint[]): string[] =>
  hints.flatMap((hint) =>
    hint.kind === 'subscription' ? `#${hint.ref.subscriptionId}` : hint.kind === 'token' ? `token ${hint.tokenId}` : [],
  );

export const EXPIRY = START_UNIX + 500n;
export const buy: ModelAction = { kind: 'buy', expiresAt: EXPIRY };
export const extend = (id: bigint, by = 1n): ModelAction => ({ kind: 'extend', id, expiresAt: EXPIRY + by });

type Lab = ReturnType<typeof createChainLab>;

/** Polls until nothing new comes, as the daemon would over time. */
export const quiet = async (lab: Pick<Lab, 'follower'>, polls = 40): Promise<ChainHint[]> => {
  const all: ChainHint[] = [];
  for (let n = 0; n < polls; n += 1) {
    const hints = await lab.follower.poll();
    all.push(...hints);
    if (hints.length === 0) break;
  }
  return all;
};

export const started = async (options: Parameters<typeof createChainLab>[0] = {}) => {
  const lab = createChainLab(options);
  lab.mine([buy, buy, buy]);
  for (let n = 0; n < 8; n += 1) lab.mine();
  await quiet(lab);
  return lab;
};
