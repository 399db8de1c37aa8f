/** Put in by the build. */
declare const MESHCERT_VERSION: string | undefined;

export const version: string = typeof MESHCERT_VERSION === 'undefined' ? 'development' : MESHCERT_VERSION;
