/** What a create tells its caller. */
export interface CreateAnswer {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly nftTokenId: bigint;
  readonly username: string;
}

/**
 * The one line on stdout (contract, interop): a compact JSON object with all seven fields. `vmid` is the domain's name;
 * the token id is a number of any size.
 */
export const answerLine = ({ name, ipv4, ipv6, nftTokenId, username }: CreateAnswer): string => {
  const text = (value: string): string => JSON.stringify(value);
  const fields = [
    ['status', text('ok')],
    ['vm_name', text(name)],
    ['ip', text(ipv4)],
    ['ipv6', text(ipv6)],
    ['vmid', text(name)],
    ['nft_token_id', nftTokenId.toString()],
    ['username', text(username)],
  ] as const;
  return `{${fields.map(([key, value]) => `${text(key)}:${value}`).join(',')}}`;
};

/** What is printed: the answer as one line; before it, where an engine looks for that, the same behind a sentinel. */
export const answerLines = (answer: CreateAnswer, sentinel: boolean): readonly string[] => {
  const line = answerLine(answer);
  return sentinel ? [`BLOCKHOST_RESULT: ${line}`, line] : [line];
};
