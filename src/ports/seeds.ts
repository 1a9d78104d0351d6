import type { NetworkCard, SeedFiles } from './machine-builder.ts';

/** What a guest is told of itself at its first start. */
export interface SeededMachine extends NetworkCard {
  readonly uuid: string;
  readonly name: string;
  readonly username: string;
  readonly wallet: string;
  readonly nftTokenId: bigint;
}

/** Renders cloud-init's documents. `content` is the path of user data that the caller rendered before. */
export interface Seeds {
  /** Everything that rendering would lack, one sentence each; empty when ready. */
  missing(content: string | undefined): Promise<readonly string[]>;
  /** The documents of a machine; each call draws a secret of its own. Throws `BlockhostError`. */
  render(machine: SeededMachine, content: string | undefined): Promise<SeedFiles>;
  /** The network document alone, for a machine that comes back at other addresses. Throws `BlockhostError`. */
  network(machine: NetworkCard): string;
}
