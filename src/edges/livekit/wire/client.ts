/** How this package names itself to LiveKit's servers. @module */

/** The version of this package. */
export const VERSION = "0.1.0";
