/** One line that the hypervisor's event watcher printed, read as far as its shape is known. */
export type HypervisorEvent =
  | {
      readonly kind: 'event';
      /** libvirt's name of it: `lifecycle`, `agent-lifecycle`, `metadata-change`, … */
      readonly event: string;
      /** The domain's name: events carry no UUID. */
      readonly domain: string;
      /** What follows the name: `Stopped Failed`, `state: 'connected' reason: 'channel event'`, or nothing. */
      readonly detail: string;
      /** When libvirt's client saw it, where the line says so. */
      readonly atUnixMs?: number;
    }
  /** Belongs to the event before it. */
  | { readonly kind: 'continuation'; readonly text: string }
  | { readonly kind: 'unparsed'; readonly line: string };

/**
 * Where hypervisor events come from. Each call of `lines` is one watcher with one connection and no history: what
 * happened before it listened, and when that was, nobody knows (L12). `onEnd` is called at most once, with the reason
 * in words; nothing is called after `stop`.
 */
export interface EventSource {
  lines(handlers: { onEvent(event: HypervisorEvent): void; onEnd(why: string): void }): () => void;
}
