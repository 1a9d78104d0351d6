import { RootAgentError } from '../../domain/errors.ts';

/** Both sides refuse more. */
export const LARGEST_FRAME_BYTES = 10 * 1024 * 1024;
const HEADER_BYTES = 4;

/** A message as it goes over the socket: its length in four bytes, big end first, then JSON. */
export const encodeFrame = (message: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  if (body.length > LARGEST_FRAME_BYTES) throw malformed('a request for the root agent is larger than 10 MiB');
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
};

/** The JSON of a frame that has arrived whole; undefined while bytes are missing. Throws `RootAgentError` on anything else. */
export const decodeFrame = (bytes: Buffer): { readonly message: unknown } | undefined => {
  if (bytes.length < HEADER_BYTES) return undefined;
  const length = bytes.readUInt32BE();
  if (length > LARGEST_FRAME_BYTES) throw malformed('the root agent announces more than 10 MiB');
  if (bytes.length < HEADER_BYTES + length) return undefined;
  if (bytes.length > HEADER_BYTES + length) throw malformed('the root agent sends more than one answer');
  try {
    return { message: JSON.parse(bytes.toString('utf8', HEADER_BYTES)) };
  } catch {
    throw malformed("the root agent's answer is not JSON");
  }
};

const malformed = (message: string): RootAgentError =>
  new RootAgentError(message, { code: 'root-agent-frame', retryable: false, hint: 'see the log of the root agent' });
