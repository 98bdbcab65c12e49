/**
 * The entry point of a GetStreamEdge's media process. Do not import it: it takes over the process.
 *
 * @module
 */
// This import stays first: from then on signals are left to the agent's process.
import { AudioRoom, Peer, runMediaChild } from "@ringline/edge/media/child";
import { GetStreamChild } from "./getstream_child.ts";
import type { Capabilities } from "./sfu/media.ts";

let known: Promise<Capabilities> | undefined;

/** Returns what this WebRTC can send and receive; it asks once, since that does not change. */
function rtcCapabilities(): Promise<Capabilities> {
  return known ??= Promise.all([Peer.describe("sendonly"), Peer.describe("recvonly")])
    .then(([publisher, subscriber]) => ({ publisher, subscriber }));
}

if (import.meta.main) {
  // The first join needs them, and also reports a failure to find them out.
  rtcCapabilities().catch(() => {});
  runMediaChild((context) =>
    new GetStreamChild(context, ({ clock, kernel }) => ({
      audio: new AudioRoom({ clock, kernel }),
      createPeer: (options) => new Peer(options),
      capabilities: rtcCapabilities,
    }))
  );
}
