/**
 * The host's routes to machines' IPv6 addresses (D27): without one nobody outside reaches the machine. Both calls may be
 * repeated. Throws `RootAgentError`: retryable where the agent does not answer.
 */
export interface HostRoutes {
  add(ipv6: string): Promise<void>;
  /** No such route is no error. */
  remove(ipv6: string): Promise<void>;
}
