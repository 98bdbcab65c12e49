import { assertEquals } from "@std/assert";
import { TrackType } from "../../../../src/edge/types.ts";
import { AgentTracks } from "../../../../src/edges/getstream/child/call/agent_tracks.ts";
import type { MutedTrack } from "../../../../src/edges/getstream/wire/ipc.ts";
import type { RtcTrack } from "../../../../src/media/child/mod.ts";

const audio = {} as RtcTrack;
const video = {} as RtcTrack;

function tracksAfter(before: MutedTrack[] = []) {
  const events: string[] = [];
  const state = { muted: before };
  const tracks = new AgentTracks({
    before,
    onMuted: (track, muted) => void events.push(`${track} ${muted}`),
    onChange: (muted) => void (state.muted = muted),
  });
  return { tracks, events, state };
}

Deno.test("AgentTracks tells an agent that it may not publish once it wants to, and when it may", () => {
  const { tracks, events } = tracksAfter();
  tracks.follow((rights) => rights.follow(["join-call"]));
  assertEquals(events, []);
  tracks.want({ audio });
  tracks.want({ audio });
  assertEquals([events, tracks.allowed], [["audio true"], {}]);
  tracks.follow((rights) => rights.follow(["send-audio"]));
  assertEquals([events.slice(1), tracks.allowed], [["audio false"], { audio }]);
});

Deno.test("AgentTracks ends a moderator's mute when the agent publishes again, without an event", () => {
  const { tracks, events, state } = tracksAfter();
  tracks.want({ audio, video });
  tracks.follow((rights) => rights.mute(TrackType.VIDEO));
  assertEquals(state.muted, [{ track: "video", by: "moderator" }]);
  tracks.want({ audio, video });
  assertEquals([events, state.muted, tracks.allowed], [["video true"], [], { audio, video }]);
});

Deno.test("AgentTracks takes over what was muted in another process, and tells only what has changed", () => {
  const { tracks, events, state } = tracksAfter([
    { track: "audio", by: "moderator" },
    { track: "video", by: "rights" },
  ]);
  // The right to send video has returned meanwhile.
  tracks.follow((rights) => rights.follow(["send-audio", "send-video"]));
  tracks.want({ audio, video });
  assertEquals([events, tracks.allowed], [["video false"], { video }]);
  assertEquals(state.muted, [{ track: "audio", by: "moderator" }]);
  tracks.want({ audio, video });
  assertEquals([events.length, state.muted, tracks.allowed], [1, [], { audio, video }]);
});
