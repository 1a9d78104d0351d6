import type { Campaign } from './campaign.ts';
import { clockJumps } from './clock-jumps.ts';
import { expireAtOnce } from './expire-at-once.ts';
import { hostileData } from './hostile-data.ts';
import { idleYears } from './idle-years.ts';
import { outages } from './outages.ts';
import { reorgs } from './reorgs.ts';

export const CAMPAIGNS: readonly Campaign[] = [reorgs, outages, clockJumps, expireAtOnce, idleYears, hostileData];
