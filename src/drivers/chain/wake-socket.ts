import { webSocket } from 'viem';
import type { ChainSettings } from '../../domain/chain-settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { endpointName } from './endpoint-name.ts';

/** Something that may know of a new block before the next look is due; only ever a hint (C1). */
export interface WakeSocket {
  /** Resolves when a block was announced since the last call, or after `afterMs`; rejects as the signal does. */
  race(clock: Clock, afterMs: number, signal: AbortSignal): Promise<void>;
}

export interface WakeSocketDeps {
  readonly settings: ChainSettings;
  readonly clock: Clock;
  readonly log: Log;
}

const REOPEN_AFTER_MS = 30_000;

/**
 * `eth_subscribe newHeads` on the first endpoint that has a WebSocket, where one has. Opened on first use; without
 * reconnects of the library's (they end silently): a closed one is opened anew after a while, and the poller never
 * waits for it. Closed when the signal aborts.
 */
export const createWakeSocket = ({ settings, clock, log }: WakeSocketDeps): WakeSocket => {
  const url = settings.endpoints.find(({ webSocketUrl }) => webSocketUrl !== undefined)?.webSocketUrl;
  if (url === undefined) return { race: (raceClock, afterMs, signal) => raceClock.sleep(afterMs, signal) };
  const name = endpointName(0, url).replace(/^rpc#1/, 'websocket');
  let close: (() => void) | undefined;
  let opening = false;
  let openAgainAtMs = Number.NEGATIVE_INFINITY;
  let announced = false;
  let wake: (() => void) | undefined;

  const drop = (why: string): void => {
    log.debug({ endpoint: name, why }, 'no announcements of new blocks; polling goes on');
    openAgainAtMs = clock.monotonicMs() + REOPEN_AFTER_MS;
    const closeNow = close;
    close = undefined;
    closeNow?.();
  };

  const onBlock = (): void => {
    announced = true;
    wake?.();
  };

  const open = async (signal: AbortSignal): Promise<void> => {
    if (opening || close || clock.monotonicMs() < openAgainAtMs) return;
    opening = true;
    try {
      close = await subscribe(url, settings.requestTimeoutMs, onBlock, () => drop('the connection ended'));
      if (signal.aborted) drop('shutting down');
      else signal.addEventListener('abort', () => drop('shutting down'), { once: true });
    } catch {
      drop('the connection could not be opened');
    } finally {
      opening = false;
    }
  };

  const race = async (raceClock: Clock, afterMs: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    void open(signal);
    if (announced) {
      announced = false;
      return;
    }
    const timer = new AbortController();
    const stop = (): void => timer.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const early = new Promise<void>((resolve) => {
      wake = resolve;
    });
    try {
      await Promise.race([raceClock.sleep(afterMs, timer.signal), early]);
    } finally {
      wake = undefined;
      announced = false;
      signal.removeEventListener('abort', stop);
      timer.abort();
    }
  };
  return { race };
};

/** Opens, subscribes, and returns how to close; `onEnd` is called once when the connection ends by itself. */
const subscribe = async (
  url: string,
  timeoutMs: number,
  onBlock: () => void,
  onEnd: () => void,
): Promise<() => void> => {
  const { value } = webSocket(url, { reconnect: false, retryCount: 0, timeout: timeoutMs })({});
  if (!value) throw new Error('the WebSocket transport has no subscriptions');
  const client = await value.getRpcClient();
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    onEnd();
  };
  try {
    await value.subscribe({ params: ['newHeads'], onData: onBlock, onError: end });
  } catch (error) {
    client.close();
    throw error;
  }
  return () => {
    ended = true;
    client.close();
  };
};
