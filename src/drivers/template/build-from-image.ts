import { copyFile, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BlockhostError } from '../../domain/errors.ts';
import type { SettledSource } from '../../domain/template.ts';
import type { BuiltTemplate } from '../../ports/template-workshop.ts';
import type { BuildContext } from './build-from-packages.ts';
import { customizeImage } from './customize-image.ts';
import { runTool } from './run-tool.ts';

/** A cloud image, which lies in a file that stays as it is, made into a base. */
export const buildFromImage = async (
  settled: SettledSource,
  { file, asIs }: { readonly file: string; readonly asIs: boolean },
  context: BuildContext,
): Promise<BuiltTemplate> => {
  const { directory, signal, report } = context;
  const format = await formatOf(file, signal);
  const imageFile = join(directory, 'disk.qcow2');
  if (format === 'qcow2' && asIs) {
    report.step('copying the image');
    await copyFile(file, imageFile);
  } else {
    report.step('converting the image');
    await runTool(['qemu-img', 'convert', '-f', format, '-O', 'qcow2', file, imageFile], { signal });
  }
  if (!asIs) await customizeImage(imageFile, settled.localPackages, context);
  const local = Object.fromEntries(settled.localPackages.map(({ name, version }) => [name, version]));
  return { imageFile, boot: { kind: 'disk' }, versions: { image: settled.pinned, ...local } };
};

const infoSchema = z.object({
  format: z.string(),
  'backing-filename': z.string().optional(),
  'virtual-size': z.number(),
  'format-specific': z.object({ data: z.object({ 'data-file': z.string().optional() }).optional() }).optional(),
});

/** Whether it is a disk that stands alone. One that names other files would read those of this host. */
const formatOf = async (file: string, signal: AbortSignal): Promise<'qcow2' | 'raw'> => {
  const magic = await headOf(file);
  if (magic.subarray(0, 4).equals(QCOW2)) {
    const info = infoSchema.parse(
      JSON.parse(await runTool(['qemu-img', 'info', '-f', 'qcow2', '--output=json', file], { signal })),
    );
    const names = info['backing-filename'] ?? info['format-specific']?.data?.['data-file'];
    if (names === undefined) return 'qcow2';
    throw notAnImage(file, 'leans on another file', 'flatten it: qemu-img convert -O qcow2 OLD NEW');
  }
  const compressed = COMPRESSED.find(({ bytes }) => magic.subarray(0, bytes.length).equals(bytes));
  if (compressed !== undefined) throw notAnImage(file, `is compressed (${compressed.name})`, 'unpack it first');
  // A boot sector's signature: neither a page of a web site nor a tar has it.
  const { size } = await stat(file);
  if (size % 512 === 0 && magic[510] === 0x55 && magic[511] === 0xaa) return 'raw';
  throw notAnImage(file, 'is neither a qcow2 image nor a raw disk', 'take the .qcow2 or .raw image of its publisher');
};

const QCOW2 = Buffer.from('QFI\xfb', 'latin1');
const COMPRESSED = [
  { name: 'xz', bytes: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]) },
  { name: 'gzip', bytes: Buffer.from([0x1f, 0x8b]) },
  { name: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
  { name: 'zip', bytes: Buffer.from('PK\x03\x04', 'latin1') },
];

const headOf = async (file: string): Promise<Buffer> => {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
};

const notAnImage = (file: string, what: string, hint: string): BlockhostError =>
  new BlockhostError(`${file} ${what}`, { code: 'template-image', retryable: false, hint });
