import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../../../src/drivers/clock/system-clock.ts';
import { type DownloadOptions, download } from '../../../../src/drivers/template/download.ts';
import { type FileServer, type Manners, startFileServer } from './file-server.ts';

const content = randomBytes(700_000);
const checksumOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;

let directory = '';
let server: FileServer | undefined;
let path = '';
let told: string[] = [];
const serve = async (...manners: Manners[]): Promise<FileServer> => {
  server = await startFileServer(() => content, ...manners);
  return server;
};
const fetchFrom = (url: string, more: Partial<DownloadOptions> = {}): Promise<void> =>
  download({
    url,
    checksum: checksumOf(content),
    path,
    clock: createSystemClock(),
    signal: new AbortController().signal,
    onBytes: () => undefined,
    tell: (text) => void told.push(text),
    expect: async () => undefined,
    retryMs: 1,
    ...more,
  });
const isThere = async (): Promise<boolean> => existsSync(path) && (await readFile(path)).equals(content);

/** Says the whole length, sends a part, and cuts the line. */
const cutAfter =
  (bytes: number): Manners =>
  (_request, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, bytes), () => response.destroy());
  };
const good: Manners = (_request, _response, body) => body();
const answers =
  (status: number): Manners =>
  (_request, response) =>
    void response.writeHead(status).end('<html>');

describe('downloading an image whose checksum is known', () => {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'download-'));
    path = join(directory, 'image');
    told = [];
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  it('brings the whole file, and tells how far it is', async () => {
    const { url } = await serve();
    const seen: [number, number | undefined][] = [];
    await fetchFrom(url, { onBytes: (done, total) => void seen.push([done, total]) });
    expect(await isThere()).toBe(true);
    expect(seen.at(-1)).toEqual([content.length, content.length]);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it('follows a redirect to another host, with its range', async () => {
    const mirror = await startFileServer(() => content);
    try {
      await writeFile(`${path}.part`, content.subarray(0, 1000));
      const { url } = await serve((_request, response) => void response.writeHead(302, { location: mirror.url }).end());
      await fetchFrom(url);
      expect(await isThere()).toBe(true);
      expect(mirror.ranges).toEqual(['bytes=1000-']);
    } finally {
      await mirror.stop();
    }
  });

  it('goes on where the line was cut', async () => {
    const { url, ranges } = await serve(cutAfter(300_000), good);
    await fetchFrom(url);
    expect(await isThere()).toBe(true);
    expect(ranges[0]).toBeUndefined();
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(told).toHaveLength(1);
  });

  it('goes on where an earlier process ended', async () => {
    await writeFile(`${path}.part`, content.subarray(0, 123_456));
    const { url, ranges } = await serve();
    await fetchFrom(url);
    expect(await isThere()).toBe(true);
    expect(ranges).toEqual(['bytes=123456-']);
  });

  it('begins anew where the server knows no ranges', async () => {
    await writeFile(`${path}.part`, content.subarray(0, 123_456));
    const whole: Manners = (_request, response) =>
      void response.writeHead(200, { 'content-length': content.length }).end(content);
    const { url } = await serve(whole);
    await fetchFrom(url);
    expect(await isThere()).toBe(true);
  });

  it('asks for nothing where all of it is there already', async () => {
    await writeFile(path, content);
    const { url, ranges } = await serve();
    await fetchFrom(url);
    expect(ranges).toEqual([]);
  });

  it('takes a part that is whole for what it is', async () => {
    await writeFile(`${path}.part`, content);
    const { url } = await serve();
    await fetchFrom(url);
    expect(await isThere()).toBe(true);
  });

  it('begins anew where what is there is longer than the file, or of another file', async () => {
    for (const other of [Buffer.concat([content, content]), randomBytes(5000)]) {
      await rm(path, { force: true });
      await writeFile(`${path}.part`, other);
      const { url, stop } = await startFileServer(() => content);
      await fetchFrom(url);
      await stop();
      expect(await isThere()).toBe(true);
    }
  });

  it('refuses another content, keeps nothing of it, and does not try again', async () => {
    const { url, ranges } = await serve();
    await expect(fetchFrom(url, { checksum: checksumOf(Buffer.from('other')) })).rejects.toMatchObject({
      code: 'template-checksum',
      retryable: false,
    });
    expect(ranges).toHaveLength(1);
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false]);
  });

  it('says 404 at once, and what to do', async () => {
    const { url, ranges } = await serve(answers(404));
    await expect(fetchFrom(url)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/answers 404$/),
    });
    expect(ranges).toHaveLength(1);
  });

  it('tries again where the server is only busy', async () => {
    const { url } = await serve(answers(503), answers(429), good);
    await fetchFrom(url);
    expect(await isThere()).toBe(true);
  });

  it('gives up after five failures in a row without a byte, and keeps what it has', async () => {
    const { url, ranges } = await serve(cutAfter(200_000), answers(500));
    await expect(fetchFrom(url)).rejects.toMatchObject({ code: 'template-download', retryable: true });
    expect(ranges.length).toBeLessThanOrEqual(6);
    expect((await stat(`${path}.part`)).size).toBeGreaterThan(0);
  });

  it('gives a silent server up', async () => {
    const silent: Manners = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100));
    };
    const { url } = await serve(silent, good);
    await fetchFrom(url, { stallMs: 100 });
    expect(await isThere()).toBe(true);
  });

  it('ends at once when it is stopped', async () => {
    const controller = new AbortController();
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100), () => controller.abort());
    });
    await expect(fetchFrom(url, { signal: controller.signal })).rejects.toThrow(/abort/);
    expect(existsSync(path)).toBe(false);
  });

  it('fetches nothing where there is no room for it', async () => {
    const { url } = await serve();
    const full = new Error('no room');
    const expectRoom = async (bytes: number): Promise<void> => {
      expect(bytes).toBe(content.length);
      throw full;
    };
    await expect(fetchFrom(url, { expect: expectRoom })).rejects.toBe(full);
    expect((await stat(`${path}.part`)).size).toBe(0);
  });
});
