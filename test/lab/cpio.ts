/** One entry of an archive; `content` is a file's bytes or a link's target. */
export interface CpioEntry {
  readonly path: string;
  readonly mode: number;
  readonly content?: Buffer | string;
  /** Device number, for the one character device an initramfs needs. */
  readonly device?: readonly [major: number, minor: number];
}

/** Entry makers with the type bits of `stat(2)`. */
export const directory = (path: string, mode = 0o755): CpioEntry => ({ path, mode: 0o040000 | mode });
export const file = (path: string, content: Buffer | string, mode = 0o644): CpioEntry => ({
  path,
  mode: 0o100000 | mode,
  content,
});
export const link = (path: string, target: string): CpioEntry => ({ path, mode: 0o120777, content: target });
export const device = (path: string, major: number, minor: number): CpioEntry => ({
  path,
  mode: 0o020600,
  device: [major, minor],
});

/**
 * Packs entries as a `newc` cpio archive, all owned by root, as the kernel unpacks it (Documentation/driver-api/early-userspace/
 * buffer-format). Written here because cpio(1) may be missing and only root could give it a device node.
 */
export function packCpio(entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([...entries, { path: 'TRAILER!!!', mode: 0 }].map(pack));
}

function pack({ path, mode, content = '', device: [major, minor] = [0, 0] }: CpioEntry, index: number): Buffer {
  const body = Buffer.from(content as string);
  const name = Buffer.from(`${path}\0`);
  const fields = [index + 1, mode, 0, 0, 1, 0, body.length, 0, 0, major, minor, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(body)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
