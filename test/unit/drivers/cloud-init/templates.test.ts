import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readUserData } from '../../../../src/drivers/cloud-init/templates.ts';

let dir: string;
const places = (rest: { rendered?: string } = {}) => ({
  templateDirs: [join(dir, 'first'), join(dir, 'second')],
  template: 'nft-auth.yaml',
  ...rest,
});

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'templates-'));
  await mkdir(join(dir, 'second'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the source of user-data', () => {
  it('is what ships where nothing is installed', async () => {
    expect(await readUserData(places())).toEqual({ kind: 'built-in' });
  });

  it('is the first template on the path, with line ends as Python reads them', async () => {
    await writeFile(join(dir, 'second', 'nft-auth.yaml'), 'b\r\nc\rd\n');
    expect(await readUserData(places())).toEqual({ kind: 'template', text: 'b\nc\nd\n' });
    await mkdir(join(dir, 'first'));
    await writeFile(join(dir, 'first', 'nft-auth.yaml'), 'a');
    expect(await readUserData(places())).toEqual({ kind: 'template', text: 'a' });
  });

  it('is a file that was rendered before, wherever it is given', async () => {
    await writeFile(join(dir, 'second', 'nft-auth.yaml'), 'b');
    await writeFile(join(dir, 'mine.yaml'), '$x');
    expect(await readUserData(places({ rendered: join(dir, 'mine.yaml') }))).toEqual({ kind: 'rendered', text: '$x' });
  });

  it('is an error where a file is there and no text, or was promised and is not there (L3)', async () => {
    await expect(readUserData(places({ rendered: join(dir, 'none.yaml') }))).rejects.toThrow(/is not there/);
    await expect(readUserData(places({ rendered: dir }))).rejects.toThrow(/no ordinary file/);
    await writeFile(join(dir, 'second', 'nft-auth.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
    await expect(readUserData(places())).rejects.toThrow(/not UTF-8/);
    await writeFile(join(dir, 'second', 'nft-auth.yaml'), Buffer.alloc(1024 * 1024 + 1));
    await expect(readUserData(places())).rejects.toThrow(/larger/);
  });
});
