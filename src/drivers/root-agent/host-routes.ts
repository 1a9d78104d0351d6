import { isIPv6 } from 'node:net';
import { RootAgentError } from '../../domain/errors.ts';
import type { HostRoutes } from '../../ports/host-routes.ts';
import type { AskRootAgent } from './client.ts';

/** The only devices that the agent routes to. */
const DEVICES = ['vmbr0', 'virbr0', 'br0', 'br-ext', 'docker0'];

/** What the kernel says of a route that is there, or not there, already; the agent passes it on. */
const THERE = /file exists|already exists/i;
const NOT_THERE = /no such process|not found|does not exist|cannot find/i;

/** Host routes through the root agent (D27), to the bridge that machines hang on. */
export const createHostRoutes = (ask: AskRootAgent, bridge: string): HostRoutes => {
  const route = async (action: 'ip6-route-add' | 'ip6-route-del', ipv6: string, fine: RegExp): Promise<void> => {
    if (!isIPv6(ipv6) || ipv6.includes('%')) throw wrong(`${JSON.stringify(ipv6)} is no IPv6 address`);
    if (!DEVICES.includes(bridge)) {
      throw wrong(`the root agent routes to none but ${DEVICES.join(', ')}, and the bridge is ${bridge}`);
    }
    try {
      await ask(action, { address: `${ipv6}/128`, dev: bridge });
    } catch (error) {
      const refused = error instanceof RootAgentError && error.code === 'root-agent-refused';
      if (!refused || !fine.test(error.message)) throw error;
    }
  };
  return {
    add: (ipv6) => route('ip6-route-add', ipv6, THERE),
    remove: (ipv6) => route('ip6-route-del', ipv6, NOT_THERE),
  };
};

const wrong = (message: string): RootAgentError =>
  new RootAgentError(message, { code: 'host-route', retryable: false, hint: 'add the route by hand: ip -6 route add' });
