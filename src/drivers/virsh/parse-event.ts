import * as z from 'zod';
import type { HypervisorEvent } from '../../ports/event-source.ts';

/**
 * Reads one line of `virsh event --all --loop [--timestamp]`. Total: what has no known shape is `unparsed`.
 *
 * A name may hold quotes, colons and whole event texts, and virsh escapes nothing. Where the kind of event is known,
 * the shape of its detail tells where the name ends; the longest name is taken. A wrong guess costs nothing: a name
 * that no domain has wakes them all (L1).
 */
export const parseEvent = (line: string): HypervisorEvent => {
  if (line.startsWith('\t')) return { kind: 'continuation', text: line.trim() };
  const [, date, time, event, rest] = lineShape.exec(line) ?? [];
  if (event === undefined || rest === undefined) return { kind: 'unparsed', line };
  const named = splitName(event, rest);
  const parsed = eventSchema.safeParse({ event, ...named, atUnixMs: date && Date.parse(`${date}T${time}Z`) });
  return parsed.success ? { kind: 'event', ...withoutUndefined(parsed.data) } : { kind: 'unparsed', line };
};

const lineShape = /^(?:(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+)\+0000: )?event '([a-z0-9-]+)' for domain '(.*)$/s;

const eventSchema = z.object({
  event: z.string().min(1),
  domain: z.string().min(1),
  detail: z.string(),
  atUnixMs: z.int().nonnegative().optional(),
});

const withoutUndefined = ({ atUnixMs, ...event }: z.infer<typeof eventSchema>) =>
  atUnixMs === undefined ? event : { ...event, atUnixMs };

/** What stands behind the name, per kind of event; those that are missing here are taken as `: anything` or nothing. */
const detailShapes: Readonly<Record<string, RegExp>> = {
  lifecycle: /^(.*)': ([A-Z][A-Za-z]+ [A-Za-z][A-Za-z -]*)$/s,
  reboot: /^(.*)'()$/s,
  'control-error': /^(.*)'()$/s,
  'pm-wakeup': /^(.*)'()$/s,
  'pm-suspend': /^(.*)'()$/s,
  'pm-suspend-disk': /^(.*)'()$/s,
  'agent-lifecycle': /^(.*)': (state: '[^']*' reason: '[^']*')$/s,
  'metadata-change': /^(.*)': (type [a-z]+, uri .*)$/s,
  'rtc-change': /^(.*)': (-?\d+)$/s,
  'balloon-change': /^(.*)': (\d+KiB)$/s,
  'migration-iteration': /^(.*)': (iteration: '\d+')$/s,
  'block-threshold': /^(.*)': (dev: .*)$/s,
  'disk-change': /^(.*)' (disk .*)$/s,
  'tray-change': /^(.*)' (disk .*)$/s,
  'job-completed': /^(.*)':()$/s,
  tunable: /^(.*)':()$/s,
  'memory-failure': /^(.*)':(.*)$/s,
  'memory-device-size-change': /^(.*)':(.*)$/s,
};

const fallbackShapes = [/^(.*?)': (.*)$/s, /^(.*)':?()$/s];

const splitName = (event: string, rest: string): { domain: string; detail: string } | undefined => {
  const own = Object.hasOwn(detailShapes, event) ? detailShapes[event] : undefined;
  for (const shape of own ? [own, ...fallbackShapes] : fallbackShapes) {
    const [, domain, detail] = shape.exec(rest) ?? [];
    if (domain !== undefined && detail !== undefined) return { domain, detail: detail.trim() };
  }
  return undefined;
};
