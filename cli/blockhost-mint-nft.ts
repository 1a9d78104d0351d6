import { mintNft } from './programs/mint-nft.ts';

await mintNft().parseAsync();
