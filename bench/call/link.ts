/**
 * A call's link, taken apart as LocalEdge's own client does it.
 *
 * @module
 */
import { PROTOCOL_VERSION } from "../../src/edges/local/wire/signalling.ts";

/** What a person without a page needs in order to join. */
export interface LinkParts {
  /** Where to signal. */
  signal: URL;
  /** The first message, less the name. */
  hello: { type: "hello"; version: number; callType: string; callId: string; secret: string };
}

/** Takes a link like `http://127.0.0.1:8080/call/default/kitchen#secret` apart. */
export function parseLink(link: URL): LinkParts {
  const [, type, id] = /^\/call\/([^/]+)\/([^/]+)$/.exec(link.pathname) ?? [];
  if (!type || !id || !link.hash) {
    throw new TypeError(`expected a link to a call with its secret, got ${link.origin}...`);
  }
  const signal = new URL("/signal", link);
  signal.protocol = link.protocol.replace("http", "ws");
  return {
    signal,
    hello: {
      type: "hello",
      version: PROTOCOL_VERSION,
      callType: decodeURIComponent(type),
      callId: decodeURIComponent(id),
      secret: link.hash.slice(1),
    },
  };
}
