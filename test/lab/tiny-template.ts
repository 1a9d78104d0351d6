import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildGuestImage } from './guest-image.ts';
import { quickBoot } from './guest-xml.ts';

const diskBytes = 64 * 1024 * 1024;

/**
 * Makes the laboratory's tiny guest the template of a host, as `blockhost-build-template` leaves one below
 * `provisioner/bases`: every file under its own SHA-256, a manifest beside the image, and `current` with its digest.
 */
export async function installTinyTemplate(basesDir: string): Promise<void> {
  for (const directory of [dirname(basesDir), basesDir]) {
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o2771); // qemu's user goes through
  }
  const image = await buildGuestImage();
  const take = async (file: string, kind: string): Promise<string> => {
    const hex = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    const place = join(basesDir, `${hex}.${kind}`);
    await copyFile(file, place);
    await chmod(place, 0o444);
    return `sha256:${hex}`;
  };
  const kernel = await take(image.kernel, 'kernel');
  const initrd = await take(image.initramfs, 'initrd');
  const digest = await take(image.base, 'qcow2');
  const manifest = {
    schema: 1,
    digest,
    virtualSizeBytes: diskBytes,
    boot: { kind: 'kernel', kernel, initrd, commandLine: `${quickBoot} lab=normal lab.name=machine` },
    source: 'the laboratory',
    builtAtUnix: 1_790_000_000,
    versions: {},
  };
  await writeFile(join(basesDir, `${digest.slice('sha256:'.length)}.json`), JSON.stringify(manifest));
  await writeFile(join(basesDir, 'current'), `${digest}\n`);
}
