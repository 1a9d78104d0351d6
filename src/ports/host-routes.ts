/**
 * The host's routes to machines' IPv6 addresses (D27), set by whoever may. Both calls may be repeated: a route that is
 * there, or that is not there any more, is no error. Rejects with a `BlockhostError` where nobody could be asked.
 */
export interface HostRoutes {
  add(ipv6: string): Promise<void>;
  remove(ipv6: string): Promise<void>;
}
