/** What a create was told, and what the host says, about minting. */
export interface MintCircumstances {
  readonly apply: boolean;
  readonly mock: boolean;
  readonly noMint: boolean;
  readonly skipMint: boolean;
  /** engine.json is present: that engine mints. */
  readonly createdByEngine: boolean;
  /** A token that somebody has minted already. */
  readonly tokenGiven: boolean;
}

/** Whether a create mints a credential by itself: only if nobody else does and the machine is a real one. */
export const mintsByDefault = (given: MintCircumstances): boolean =>
  given.apply && !given.mock && !given.noMint && !given.skipMint && !given.createdByEngine && !given.tokenGiven;
