import { setTimeout as sleep } from 'node:timers/promises';
import { Interface } from 'ethers';
import type { Rpc } from '../../lab/json-rpc.ts';

/** What an engine does about each event. */
export interface Handlers {
  created(name: string, subscriber: string, expiresAtUnix: number): Promise<void>;
  extended(name: string, newExpiresAtUnix: number): Promise<void>;
  cancelled(name: string): Promise<void>;
}

const events = new Interface([
  'event SubscriptionCreated(uint256 indexed subscriptionId, uint256 indexed planId, address indexed subscriber, uint256 expiresAt, uint256 paidAmount, address paymentToken, bytes userEncrypted)',
  'event SubscriptionExtended(uint256 indexed subscriptionId, uint256 indexed planId, address indexed extendedBy, uint256 newExpiresAt, uint256 paidAmount, address paymentToken)',
  'event SubscriptionCancelled(uint256 indexed subscriptionId, uint256 indexed planId, address indexed subscriber)',
]);

const hex = (block: number): string => `0x${block.toString(16)}`;

/**
 * Follows a contract as engines do: from the current head on, without cursor and confirmations; a handler that fails is told
 * of and never tried again. Resolves once it follows.
 */
export const startMonitor = async (
  { rpc, contract }: { readonly rpc: Rpc; readonly contract: string },
  handlers: Handlers,
) => {
  const failures: string[] = [];
  const head = async (): Promise<number> => Number(await rpc<string>('eth_blockNumber'));
  let seen = await head();
  let handled = 0;
  let ended = false;

  const handle = async (log: { topics: string[]; data: string }): Promise<void> => {
    const parsed = events.parseLog(log);
    if (parsed === null) return;
    const name = `blockhost-${String(parsed.args.subscriptionId).padStart(3, '0')}`;
    if (parsed.name === 'SubscriptionCreated') {
      await handlers.created(name, String(parsed.args.subscriber), Number(parsed.args.expiresAt));
    } else if (parsed.name === 'SubscriptionExtended') {
      await handlers.extended(name, Number(parsed.args.newExpiresAt));
    } else await handlers.cancelled(name);
  };
  const poll = async (): Promise<void> => {
    const now = await head();
    if (now <= seen) return;
    const range = { address: contract, fromBlock: hex(seen + 1), toBlock: hex(now) };
    seen = now;
    for (const log of await rpc<{ topics: string[]; data: string }[]>('eth_getLogs', [range])) {
      await handle(log).catch((error: unknown) => void failures.push(String(error)));
      handled += 1;
    }
  };
  const running = (async () => {
    while (!ended) {
      await poll().catch((error: unknown) => void failures.push(String(error)));
      await sleep(500);
    }
  })();
  return {
    failures: (): readonly string[] => failures,
    /** How many events were dealt with, well or not. */
    handled: (): number => handled,
    stop: async (): Promise<void> => {
      ended = true;
      await running;
    },
  };
};
