import manifest from '../../../package.json' with { type: 'json' };

/** Of notion-mirror: all parts are released together. */
export const version: string = manifest.version;
