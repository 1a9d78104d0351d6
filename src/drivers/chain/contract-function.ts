import {
  type Abi,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  decodeFunctionResult,
  type EncodeFunctionDataParameters,
  encodeFunctionData,
  prepareEncodeFunctionData,
} from 'viem';

/** One view function of a contract; `decode` throws for data that its ABI cannot read. */
export interface ContractFunction<Args, Result> {
  encode(args: Args): `0x${string}`;
  decode(data: `0x${string}`): Result;
}

/** Looks a function up in its ABI once: its selector is a hash, which would cost more than all of a call's encoding. */
export const contractFunction = <
  const abi extends Abi,
  name extends ContractFunctionName<abi, 'view' | 'pure' | 'payable'>,
>(
  abi: abi,
  name: name,
): ContractFunction<
  ContractFunctionArgs<abi, 'view' | 'pure' | 'payable', name>,
  ContractFunctionReturnType<abi, 'view' | 'pure' | 'payable', name>
> => {
  const prepared = prepareEncodeFunctionData({ abi, functionName: name } as never) as {
    abi: Abi;
    functionName: string;
  };
  return {
    encode: (args) => encodeFunctionData({ ...prepared, args } as unknown as EncodeFunctionDataParameters),
    decode: (data) => decodeFunctionResult({ abi: prepared.abi, data } as never) as never,
  };
};
