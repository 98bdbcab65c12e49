import { Peer } from "@ringline/edge/media/child";
import type { Capabilities } from "./media.ts";

let known: Promise<Capabilities> | undefined;

/** What this WebRTC can send and receive: asked once, since it does not change. */
export function rtcCapabilities(): Promise<Capabilities> {
  return known ??= Promise.all([Peer.describe("sendonly"), Peer.describe("recvonly")])
    .then(([publisher, subscriber]) => ({ publisher, subscriber }));
}
