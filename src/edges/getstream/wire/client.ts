/** How this package names itself to Stream's services. @module */

/** The version of this package. */
export const VERSION = "0.1.0";

/** The name of this client, for Stream's requests and sockets. */
export const STREAM_CLIENT = `ringline-getstream-v${VERSION}`;
