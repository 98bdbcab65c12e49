// A person in a room, by LiveKit's own client in a page: says what the instrument makes, and lets it hear
// the agent.
import { Room, RoomEvent, Track } from "npm:livekit-client@2.23.0";

globalThis.livekitPerson = {
  /** Joins; resolves when the agent's sound is subscribed to. */
  async join(url, token) {
    const room = this.room = new Room({ disconnectOnPageLeave: false });
    const subscribed = new Promise((resolve) => {
      room.on(RoomEvent.TrackSubscribed, (track) => {
        if (track.kind !== Track.Kind.Audio) return;
        track.attach().muted = true; // Chromium decodes only what an element plays
        resolve(track.mediaStreamTrack);
      });
    });
    await room.connect(url, token);
    const { track } = ringlineProbe.makeSource();
    await room.localParticipant.publishTrack(track, {
      source: Track.Source.Microphone,
      dtx: false,
    });
    await ringlineProbe.listen(await subscribed);
  },

  async leave() {
    await this.room.disconnect();
  },
};
