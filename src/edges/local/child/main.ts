/**
 * The program of a LocalEdge's media process. Do not import it: it takes over the process.
 *
 * @module
 */
import "../../../media/child/leave_signals.ts";
import { runMediaChild } from "../../../media/child/child.ts";
import { UprightTrack } from "../../../media/child/upright.ts";
import { AudioRoom } from "../../../media/room/audio_room.ts";
import { Peer } from "../../../media/webrtc/peer.ts";
import { LocalChild } from "./local_child.ts";

if (import.meta.main) {
  runMediaChild((context) =>
    LocalChild.open(context, ({ clock, kernel }) => ({
      audio: new AudioRoom({ clock, kernel }),
      createPeer: (options) => new Peer(options),
      createUpright: (track) => new UprightTrack(track),
    }))
  );
}
