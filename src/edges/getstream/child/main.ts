/**
 * The entry point of a GetStreamEdge's media process. Do not import it: it takes over the process.
 *
 * @module
 */
// This import stays first: from then on signals are left to the agent's process.
import { AudioRoom, Peer, runMediaChild } from "@ringline/edge/media/child";
import { GetStreamChild } from "./getstream_child.ts";
import { rtcCapabilities } from "./sfu/capabilities.ts";

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
