import type { Config } from '../config/load.ts';
import type { Paths } from '../config/paths.ts';
import type { Host } from '../host/open-host.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** A real host once it is open: what the parts of the daemon that stand on it are made of. */
export interface Opened {
  readonly config: Config;
  readonly paths: Paths;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}
