/**
 * What runs in the media process of a GetStreamEdge. Not to be imported: it takes over the process.
 *
 * @module
 */
import "../../../media/child/leave_signals.ts";
import { runMediaChild } from "../../../media/child/child.ts";
import { Peer } from "../../../media/webrtc/peer.ts";
import { AudioRoom } from "../../../media/room/audio_room.ts";
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
