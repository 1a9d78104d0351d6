import { describe, expect, it } from 'vitest';
import { createServiceManager, takeNotifyEnvironment } from '../../../src/drivers/service-manager/systemd.ts';
import { createModelLog } from '../../models/model-log.ts';

const managerOf = (env: Record<string, string>) =>
  createServiceManager({ env: takeNotifyEnvironment(env), pid: 77, log: createModelLog() });

describe('what systemd tells its services', () => {
  it('is taken out of the environment, so that no child of ours gets it', () => {
    const env = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '120000000', WATCHDOG_PID: '77', PATH: '/bin' };
    expect(takeNotifyEnvironment(env)).toEqual({
      NOTIFY_SOCKET: '/run/systemd/notify',
      WATCHDOG_USEC: '120000000',
      WATCHDOG_PID: '77',
    });
    expect(env).toEqual({ PATH: '/bin' });
  });

  it.each<[string, Record<string, string>, number | undefined]>([
    ['for this process', { WATCHDOG_USEC: '120000000', WATCHDOG_PID: '77' }, 120_000],
    ['for whoever reads it', { WATCHDOG_USEC: '500000' }, 500],
    ['for another process', { WATCHDOG_USEC: '120000000', WATCHDOG_PID: '78' }, undefined],
    ['nothing', {}, undefined],
    ['no number', { WATCHDOG_USEC: 'soon' }, undefined],
    ['zero', { WATCHDOG_USEC: '0' }, undefined],
  ])('is a watchdog’s limit where it is meant for us: %s', (_title, env, wanted) => {
    expect(managerOf({ NOTIFY_SOCKET: '/nowhere', ...env }).watchdogMs).toBe(wanted);
  });

  it('is nothing where the daemon was started by hand: no watchdog, and words go nowhere', async () => {
    const manager = managerOf({ WATCHDOG_USEC: '120000000' });
    expect(manager.watchdogMs).toBeUndefined();
    await manager.tell({ what: 'ready' });
  });
});
