import { open } from 'node:fs/promises';

/** What the head of a qcow2 file says. */
export interface Qcow2Header {
  readonly virtualSizeBytes: number;
  /** Its content is complete in itself: no backing file, no external data file. */
  readonly standsAlone: boolean;
}

const headerBytes = 104;
const incompatibleExternalData = 0x4n;

/** Reads a qcow2 header (versions 2 and 3); undefined for anything else. */
export const parseQcow2Header = (head: Buffer): Qcow2Header | undefined => {
  if (head.length < 72 || head.readUInt32BE(0) !== 0x514649fb) return undefined;
  const version = head.readUInt32BE(4);
  if (version !== 2 && (version !== 3 || head.length < headerBytes)) return undefined;
  const size = head.readBigUInt64BE(24);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const external = version === 3 && (head.readBigUInt64BE(72) & incompatibleExternalData) !== 0n;
  return { virtualSizeBytes: Number(size), standsAlone: head.readBigUInt64BE(8) === 0n && !external };
};

/** The same of a file. Rejects where it cannot be read. */
export const readQcow2Header = async (path: string): Promise<Qcow2Header | undefined> => {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    return parseQcow2Header(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
};
