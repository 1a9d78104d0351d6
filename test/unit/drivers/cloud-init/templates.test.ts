import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
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
    const text = '#cloud-config\nhostname: $x\n';
    await writeFile(join(dir, 'mine.yaml'), text);
    expect(await readUserData(places({ rendered: join(dir, 'mine.yaml') }))).toEqual({ kind: 'rendered', text });
  });

  it.each([
    '#cloud-config',
    '\n#Cloud-Config \na: 1',
    '#cloud-config-archive\n[]',
    '#!/bin/sh\n',
    '#cloud-boothook\n',
    '#include\nhttps://a.example',
    '## template: jinja\n#cloud-config\n',
    'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n',
    'MIME-Version: 1.0\n',
  ])('may be rendered in every form that cloud-init knows: %j', async (text) => {
    await writeFile(join(dir, 'mine'), text);
    expect(await readUserData(places({ rendered: join(dir, 'mine') }))).toEqual({ kind: 'rendered', text });
  });

  it.each([
    'root:$y$j9T$abc:19000:0:99999:7:::\n',
    'DEPLOYER_PRIVATE_KEY=abc\n',
    '-----BEGIN OPENSSH PRIVATE KEY-----\n',
    '# a comment\n#cloud-config\n',
    '#cloud-configuration\n',
    'deployer: { private_key: abc }\n',
    '',
  ])('is never another file of the host, whose text would reach a customer: %j', async (text) => {
    await writeFile(join(dir, 'mine'), text);
    const refusal = await readUserData(places({ rendered: join(dir, 'mine') })).catch((error: Error) => error.message);
    expect(refusal).toBe(
      `the cloud-init file ${join(dir, 'mine')} does not begin as cloud-init wants it: with #cloud-config, #! or a MIME header`,
    );
  });

  it('is neither a link to another file nor a pipe, which would keep the create waiting', async () => {
    await writeFile(join(dir, 'mine'), '#cloud-config\n');
    await symlink(join(dir, 'mine'), join(dir, 'link'));
    await expect(readUserData(places({ rendered: join(dir, 'link') }))).rejects.toThrow(/is a symbolic link$/);
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    await expect(readUserData(places({ rendered: join(dir, 'pipe') }))).rejects.toThrow(/no ordinary file/);
    await expect(readUserData(places({ rendered: '/dev/zero' }))).rejects.toThrow(/no ordinary file/);
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
