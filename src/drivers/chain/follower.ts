import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { ChainFollower, ChainHint } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CursorStore } from '../../ports/cursor-store.ts';
import type { Log } from '../../ports/log.ts';
import type { WalkState } from './block-walk.ts';
import { createFollowerCursor } from './follower-cursor.ts';
import { createFollowerDoubts } from './follower-doubts.ts';
import { createFollowerPass, type PassResult } from './follower-pass.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { RpcPool } from './rpc-pool.ts';
import { createWakeSocket, type WakeSocket } from './wake-socket.ts';

export interface FollowerDeps {
  readonly settings: ChainSettings;
  readonly cursorStore: CursorStore;
  readonly clock: Clock;
  readonly log: Log;
  /** The pool that the reader of this chain uses as well: what one learns of the chain binds the other. */
  readonly pool: RpcPool;
  /** Wakes `nextLook` when a block is announced; a WebSocket where the settings name one. */
  readonly wakeSocket?: WakeSocket;
}

/** While blocks are left to read, the next look comes after this pause. */
const CATCH_UP_PAUSE_MS = 20;

/** Follows one chain with a poller of its own (C1-C3, C6-C8). Its hints are in the order of the chain. */
export const createFollower = (deps: FollowerDeps): ChainFollower => {
  const { settings, clock, cursorStore, pool } = deps;
  const id = `chain-${settings.chainId}`;
  const log = deps.log.child({ part: 'follower', chainId: settings.chainId });
  const cursor = createFollowerCursor({ ...deps, id, chainId: settings.chainId, memory: pool.memory, log });
  const doubts = createFollowerDoubts({ id, chainId: settings.chainId, memory: pool.memory, cursorStore, clock, log });
  const pass = createFollowerPass(pool, log);
  const socket = deps.wakeSocket ?? createWakeSocket({ settings, clock, log });
  let loaded = false;
  let state: WalkState | undefined;
  let advancedTo = '';
  let catchingUp = false;
  let running: Promise<readonly ChainHint[]> | undefined;
  let aheadOfClock = false;

  /** A head that is too old is no sane node's; one from the future is told here, and freezes harm where harm is decided. */
  const tellOfGap = (): void => {
    const head = pool.lastSane()?.head;
    if (head === undefined) return;
    const aheadMs = Number(head.timestampUnix) * 1000 - clock.nowUnixMs();
    const ahead = aheadMs > settings.maxHeadAgeMs;
    if (ahead === aheadOfClock) return;
    aheadOfClock = ahead;
    if (!ahead) {
      log.info({ aheadMs }, "the head's block time is no longer ahead of the wall clock");
      return;
    }
    const fields = { aheadMs, block: head.number, rule: 'C9', todo: "check this host's clock, then the node" };
    log.warn(fields, "the head's block time is far ahead of the wall clock; nothing harmful is done");
  };

  const advanced = (result: PassResult): ChainHint[] => {
    const key = `${result.tip} ${result.safe} ${result.finalized}`;
    if (key === advancedTo) return [];
    advancedTo = key;
    return [{ kind: 'advanced', head: result.tip, safe: result.safe, finalized: result.finalized }];
  };

  const lookOnce = async (): Promise<readonly ChainHint[]> => {
    const derived: ChainHint[] = [];
    let result: PassResult | undefined;
    let failure: RpcFailure | undefined;
    try {
      result = await pool.use((node) =>
        pass(node, state, derived, (next) => {
          state = next;
        }),
      );
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      failure = error;
    }
    tellOfGap();
    catchingUp = result !== undefined && result.tip < result.head;
    if (state) await cursor.save(state, derived);
    const behind = result && catchingUp ? `catching up: ${result.head - result.tip} blocks to read` : undefined;
    const changed = doubts.judge(failure, result?.shrunk, behind);
    return [...changed, ...derived, ...(result ? advanced(result) : [])];
  };

  const poll = async (): Promise<readonly ChainHint[]> => {
    try {
      if (await doubts.released()) state = undefined;
      if (pool.memory.trouble()) return doubts.judge(undefined, undefined, undefined);
      if (!loaded) {
        state = await cursor.load();
        loaded = true;
      }
      return await lookOnce();
    } catch (error) {
      return doubts.defect(error);
    }
  };

  return {
    id,
    poll: () => {
      running ??= poll().finally(() => {
        running = undefined;
      });
      return running;
    },
    nextLook: async (afterMs, signal) => {
      const pauseMs = catchingUp ? Math.min(afterMs, CATCH_UP_PAUSE_MS) : afterMs;
      await socket.race(clock, pauseMs, signal);
    },
  };
};
