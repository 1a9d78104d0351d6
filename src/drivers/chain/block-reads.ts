import type { RpcEndpoint } from './rpc-endpoint.ts';
import { RpcFailure } from './rpc-failure.ts';
import { type BlockHeader, headerAnswer, parseAnswer } from './rpc-schema.ts';

export const toHex = (value: bigint): `0x${string}` => `0x${value.toString(16)}`;

/** The header at a height, or undefined where the node has none. `eth_getBlockByNumber`. */
export const headerAt = async (endpoint: RpcEndpoint, number: bigint): Promise<BlockHeader | undefined> => {
  const answer = await endpoint.request('eth_getBlockByNumber', [toHex(number), false]);
  if (answer === null) return undefined;
  const header = parseAnswer(headerAnswer, answer, `block ${number}`);
  if (header.number !== number) {
    throw new RpcFailure('garbage', `block ${number} was asked for, block ${header.number} came`);
  }
  return header;
};

/** As `headerAt`, for a block that must be there. */
export const mustHeaderAt = async (endpoint: RpcEndpoint, number: bigint): Promise<BlockHeader> => {
  const header = await headerAt(endpoint, number);
  if (!header) throw new RpcFailure('missing-block', `the node has no block ${number}`);
  return header;
};

/** The header behind a tag; a node that does not know the tag is `unsupported` (C13). */
export const headerByTag = async (
  endpoint: RpcEndpoint,
  tag: 'latest' | 'safe' | 'finalized',
): Promise<BlockHeader> => {
  const answer = await endpoint.request('eth_getBlockByNumber', [tag, false]);
  if (answer === null) {
    if (tag === 'latest') throw new RpcFailure('garbage', 'the node has no latest block');
    throw new RpcFailure('unsupported', `the node has no '${tag}' block`);
  }
  return parseAnswer(headerAnswer, answer, `block '${tag}'`);
};
