/** The capabilities of this WebRTC: an offer to send and to receive. @module */
import { Peer } from "@ringline/edge/media/child";
import type { Capabilities } from "./media.ts";

let known: Promise<Capabilities> | undefined;

/** Returns what this WebRTC can send and receive; it asks once, since that does not change. */
export function rtcCapabilities(): Promise<Capabilities> {
  return known ??= Promise.all([Peer.describe("sendonly"), Peer.describe("recvonly")])
    .then(([publisher, subscriber]) => ({ publisher, subscriber }));
}
