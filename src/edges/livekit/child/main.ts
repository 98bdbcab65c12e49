/**
 * The entry point of a LiveKitEdge's media process. Do not import it: it takes over the process.
 *
 * @module
 */
// This import stays first: from then on signals are left to the agent's process.
import { AudioRoom, Peer, runMediaChild } from "@ringline/edge/media/child";
import { LiveKitChild } from "./livekit_child.ts";

if (import.meta.main) {
  runMediaChild((context) =>
    new LiveKitChild(context, ({ clock, kernel }) => ({
      audio: new AudioRoom({ clock, kernel }),
      createPeer: (options) => new Peer(options),
    }))
  );
}
