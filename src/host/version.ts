import manifest from '../../package.json' with { type: 'json' };

/** The package's version; package.json is where it is said. */
export const version: string = manifest.version;
