/** How a customer reaches his machine. */
export interface ConnectionDetails {
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
}

/** Mints credential tokens. Asked twice for one machine, it mints once. */
export interface Minter {
  /** The id of the machine's token. `userEncrypted` is 0x and hexadecimal digits. Throws `BlockhostError`. */
  mint(request: {
    readonly owner: string;
    readonly machineId: string;
    readonly userEncrypted?: string;
  }): Promise<bigint>;
  /** Connection details that only the holder of the signature can read (interop). */
  seal(details: ConnectionDetails, userSignature: string): Promise<string>;
}
