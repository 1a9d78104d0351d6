import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const shots = fileURLToPath(new URL('../../dist/wizard-page/', import.meta.url));
const installer = fileURLToPath(new URL('../python/wizard/host/', import.meta.url));
const POOL = 'Give the pool a name of letters, digits, dots, dashes and underscores, such as blockhost.';
const RANGE =
  '252 machines can have an address: 192.168.122.2 to 192.168.122.254, without 192.168.122.50 (this host’s own).';
const NUMBER = 'Give a number from 1 to 254, or an address of the network above.';

let place: string;
let server: ReturnType<typeof spawn>;
let url: string;
let browser: BrowserContext;
let page: Page;

/** A host with a bridge and a libvirt that has a pool, and the installer on it. */
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'wizard-page-'));
  const root = join(place, 'root');
  await mkdir(join(root, 'sys/class/net/br0/bridge'), { recursive: true });
  await mkdir(join(root, 'proc'));
  await mkdir(join(root, 'dev'));
  await mkdir(shots, { recursive: true });
  await writeFile(join(root, 'dev/kvm'), '');
  await writeFile(join(root, 'proc/meminfo'), 'MemAvailable:   24117248 kB\n');
  await writeFile(
    join(place, 'addr.json'),
    '[{"addr_info":[{"family":"inet","local":"192.168.122.50","prefixlen":24}]}]',
  );
  await writeFile(join(place, 'route.json'), '[{"gateway":"192.168.122.1","dev":"br0"}]');
  await mkdir(join(place, 'libvirt/pools/taken'), { recursive: true });
  await writeFile(join(place, 'libvirt/pools/taken/path'), '/srv/other');
  await chmod(place, 0o755);
  server = spawn('/usr/bin/python3', ['-B', join(installer, 'app.py'), join(place, 'packages')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      BLOCKHOST_ROOT: root,
      FAKE: place,
      PATH: `${join(installer, 'bin')}:${process.env.PATH}`,
    },
  });
  if (server.stdout === null) throw new Error('the installer has no output');
  const [port] = await once(createInterface({ input: server.stdout }), 'line');
  url = `http://127.0.0.1:${port}`;
  browser = await chromium.launchPersistentContext(join(place, 'profile'), {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    viewport: { width: 1000, height: 900 },
  });
});
afterAll(async () => {
  await browser?.close();
  server?.kill();
  await rm(place, { recursive: true, force: true });
});

beforeEach(async () => {
  await browser.clearCookies();
  page = await browser.newPage();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${url}/login`);
  await page.goto(`${url}/wizard/libvirt`);
});
afterEach(() => page.close());

const shot = (name: string): Promise<unknown> => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
const allValues = (): Promise<Record<string, string>> =>
  page.evaluate(`Object.fromEntries(new FormData(document.getElementById('lv-form')))`);
const TOLD = `(seen) => ['lv-range', 'storage_pool-note', 'storage_path-note', 'ip_network-note']
  .map((id) => seen.getElementById(id).textContent)`;
const focused = (): Promise<string> => page.evaluate('document.activeElement.id || document.activeElement.type');
const errorOf = (name: string): Promise<string | null> => page.locator(`#${name}-error`).textContent();

describe('the installer’s page for libvirt', () => {
  it('is dark or light as its reader prefers', async () => {
    const colours: unknown[] = [];
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      colours.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      await shot(colorScheme);
    }
    expect(colours).toEqual(['rgb(15, 23, 42)', 'rgb(241, 245, 249)']);
  });

  it('tells a fault when the field is left, and takes it back while it is being mended', async () => {
    await page.fill('#storage_pool', 'a b');
    expect(await page.locator('#storage_pool-error').isVisible()).toBe(false);
    await page.focus('#storage_path');
    expect(await errorOf('storage_pool')).toBe(POOL);
    expect(await page.getAttribute('#storage_pool', 'aria-invalid')).toBe('true');
    expect(await page.getAttribute('#storage_pool', 'aria-describedby')).toContain('storage_pool-error');
    await page.fill('#storage_pool', 'ab');
    expect(await page.locator('#storage_pool-error').isVisible()).toBe(false);
    expect(await page.getAttribute('#storage_pool', 'aria-invalid')).toBeNull();
  });

  it('says which addresses machines get, and which not and why', async () => {
    await page.fill('#ip_start', '2');
    expect(await page.locator('#lv-range').textContent()).toBe(RANGE);
    await page.fill('#ip_start', '1');
    expect(await page.locator('#lv-range').textContent()).toContain(
      '192.168.122.1 (the gateway), 192.168.122.50 (this',
    );
    await page.fill('#ip_end', '1');
    expect(await page.locator('#lv-range').textContent()).toBe('');
  });

  it('hears in the end whether the host can run machines, without being loaded again', async () => {
    const trial = page.locator('#lv-trial[role=status]');
    await expect.poll(() => trial.textContent(), { timeout: 30_000 }).toContain('This host can run machines:');
    expect(await trial.getAttribute('class')).toBe('lv-good');
  });

  it.each<[string, Readonly<Record<string, string>>, number]>([
    [
      'notes-dark',
      { storage_pool: 'taken', storage_path: '/srv/tank/vms/', ip_network: '10.0.0.0/24', gateway: '10.0.0.1' },
      3,
    ],
    ['notes-gateway', { ip_end: '254', ip_start: '1' }, 0],
    ['notes-own-place', { storage_pool: 'taken', storage_path: '/srv/other' }, 1],
    ['notes-none', { storage_path: '/var/lib/blockhost/a/' }, 0],
  ])('tells of valid values what the server tells without a script: %s', async (name, values, count) => {
    for (const [field, value] of Object.entries(values)) await page.fill(`#${field}`, value);
    const byScript = await page.evaluate(`(${TOLD})(document)`);
    await shot(name);
    const kept = await page.request.post(page.url(), { form: { ...(await allValues()), ...values }, maxRedirects: 0 });
    expect(kept.status()).toBe(302);
    const html = await (await page.request.get(page.url())).text();
    const byServer = await page.evaluate<string[]>(
      `(${TOLD})(new DOMParser().parseFromString(${JSON.stringify(html)}, 'text/html'))`,
    );
    expect(byScript).toEqual(byServer);
    expect(byServer.slice(1).filter((note) => note !== '')).toHaveLength(count);
    expect(byServer[0]).toMatch(/^\d+ machines can have an address: /);
  });

  it('lists all faults, goes to the first, and stays', async () => {
    await page.fill('#ip_start', '0');
    await page.fill('#gc_grace_days', 'soon');
    await page.click('text=Continue');
    expect(await focused()).toBe('ip_start');
    expect(await page.locator('#lv-summary[role=alert] li').allTextContents()).toEqual([
      `First address for machines: ${NUMBER}`,
      'Days from suspension to deletion: Give a whole number of days from 0 to 3650.',
    ]);
    await shot('errors-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await shot('errors-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.keyboard.press('Shift+Tab');
    await shot('errors-focus-dark');
    await page.click('#lv-summary li:nth-child(2) a');
    expect(await focused()).toBe('gc_grace_days');
  });

  it('hears the same from the server where no script judges', async () => {
    await page.evaluate(`(() => { const form = document.getElementById('lv-form');
      form.elements.ip_start.value = '0'; HTMLFormElement.prototype.submit.call(form); })()`);
    await page.waitForSelector('#lv-summary:not([hidden])');
    expect(await errorOf('ip_start')).toBe(NUMBER);
    expect(await page.locator('#lv-summary li').allTextContents()).toEqual([`First address for machines: ${NUMBER}`]);
    expect(await focused()).toBe('ip_start');
    expect(await page.inputValue('#ip_start')).toBe('0');
  });

  it('is filled in and sent by the keyboard alone', async () => {
    await page.focus('#storage_pool');
    const order = ['storage_pool'];
    for (let i = 0; i < 7; i += 1) {
      await page.keyboard.press('Tab');
      order.push(await focused());
    }
    expect(order).toEqual([
      'storage_pool',
      'storage_path',
      'bridge',
      'ip_network',
      'gateway',
      'ip_start',
      'ip_end',
      'gc_grace_days',
    ]);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('14');
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.focus('#gc_grace_days');
      await shot(`keyboard-${colorScheme}`);
      await page.keyboard.press('Tab');
      await shot(`keyboard-back-${colorScheme}`);
      await page.keyboard.press('Tab');
      await shot(`keyboard-button-${colorScheme}`);
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Shift+Tab');
      expect(await focused()).toBe('gc_grace_days');
    }
    await page.keyboard.press('Enter');
    await page.waitForURL('**/wizard/ipv6');
    await page.goto(`${url}/wizard/libvirt`);
    expect(await page.inputValue('#gc_grace_days')).toBe('14');
  });

  it('fits a narrow screen', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    await shot('narrow');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });
});
