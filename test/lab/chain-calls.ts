import { Interface, type InterfaceAbi } from 'ethers';
import type { CompiledContract } from './contracts.ts';

export interface Transaction {
  readonly from: string;
  readonly to: string;
  readonly data: string;
}

/** The logs of a receipt, as JSON-RPC has them. */
export interface RawReceipt {
  readonly transactionHash: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly status: string;
  readonly contractAddress: string | null;
  readonly logs: readonly { topics: string[]; data: string }[];
}

/** Encoding and decoding for one kind of contract. */
export interface ContractCodec {
  transaction(from: string, to: string, method: string, args: readonly unknown[]): Transaction;
  encode(method: string, args: readonly unknown[]): string;
  decode(method: string, result: string): unknown[];
  /** The integer arguments of the first such event in a receipt; throws where there is none. */
  integers<Name extends string>(event: string, names: readonly Name[], receipt: RawReceipt): Record<Name, bigint>;
}

/** The codec of a compiled contract, by ethers: another library than the one the daemon reads the chain with. */
export function contractCodec({ abi }: CompiledContract): ContractCodec {
  const face = new Interface(abi as unknown as InterfaceAbi);
  const encode = (method: string, args: readonly unknown[]): string => face.encodeFunctionData(method, args);
  return {
    encode,
    decode: (method, result) => face.decodeFunctionResult(method, result).toArray(),
    transaction: (from, to, method, args) => ({ from, to, data: encode(method, args) }),
    integers: (event, names, { logs }) => {
      const found = logs.map((log) => face.parseLog(log)).find((parsed) => parsed?.name === event);
      if (found === undefined || found === null) throw new Error(`the transaction emitted no ${event}`);
      const entries = names.map((name) => [name, BigInt(found.args.getValue(name))]);
      return Object.fromEntries(entries);
    },
  };
}
