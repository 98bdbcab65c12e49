/**
 * What runs in the media process of a LocalEdge. Not to be imported: it takes over the process.
 *
 * @module
 */
import "../../media/host/leave_signals.ts";
import { runMediaHost } from "../../media/host/host.ts";
import { Peer } from "../../media/peer/peer.ts";
import { AudioRoom } from "../../media/room/audio_room.ts";
import { LocalHost } from "./local_host.ts";

if (import.meta.main) {
  runMediaHost((context) =>
    new LocalHost(context, ({ clock, kernel }) => ({
      audio: new AudioRoom({ clock, kernel }),
      createPeer: (options) => new Peer(options),
    }))
  );
}
