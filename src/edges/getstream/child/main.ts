/**
 * What runs in the media process of a GetStreamEdge. Not to be imported: it takes over the process.
 *
 * @module
 */
// First: from its beginning on it leaves signals to the agent's process.
import { AudioRoom, Peer, runMediaChild } from "@ringline/edge/media/child";
import { GetStreamChild } from "./getstream_child.ts";
import { rtcCapabilities } from "./sfu/capabilities.ts";

if (import.meta.main) {
  // Needed by the first join: found out while that is on its way. A failure is told there.
  rtcCapabilities().catch(() => {});
  runMediaChild((context) =>
    new GetStreamChild(context, ({ clock, kernel }) => ({
      audio: new AudioRoom({ clock, kernel }),
      createPeer: (options) => new Peer(options),
      capabilities: rtcCapabilities,
    }))
  );
}
