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
  tracks.want({ audio }, { again: false });
  tracks.want({ audio }, { again: false });
  assertEquals([events, tracks.allowed], [["audio true"], {}]);
  tracks.follow((rights) => rights.follow(["send-audio"]));
  assertEquals([events.slice(1), tracks.allowed], [["audio false"], { audio }]);
});

Deno.test("AgentTracks ends a moderator's mute when the agent publishes again, without an event", () => {
  const { tracks, events, state } = tracksAfter();
  tracks.want({ audio, video }, { again: false });
  tracks.follow((rights) => rights.mute(TrackType.VIDEO));
  assertEquals(state.muted, [{ track: "video", by: "moderator" }]);
  tracks.want({ audio, video }, { again: false });
  assertEquals([events, state.muted, tracks.allowed], [["video true"], [], { audio, video }]);
});

Deno.test("AgentTracks takes over what was muted in another process, and tells only what has changed", () => {
  const { tracks, events, state } = tracksAfter([
    { track: "audio", by: "moderator" },
    { track: "video", by: "rights" },
  ]);
  // The right to send video has returned meanwhile.
  tracks.follow((rights) => rights.follow(["send-audio", "send-video"]));
  tracks.want({ audio, video }, { again: true });
  assertEquals([events, tracks.allowed], [["video false"], { video }]);
  assertEquals(state.muted, [{ track: "audio", by: "moderator" }]);
  tracks.want({ audio, video }, { again: false });
  assertEquals([events.length, state.muted, tracks.allowed], [1, [], { audio, video }]);
});

Deno.test("AgentTracks keeps a moderator's mute however often the same is published again", () => {
  const before: MutedTrack[][] = [[], [{ track: "audio", by: "moderator" }]];
  for (const muted of before) {
    const { tracks, events, state } = tracksAfter(muted);
    // In the first case it comes between the join and the publication.
    tracks.follow((rights) => rights.mute(TrackType.AUDIO));
    for (let tries = 0; tries < 3; tries++) tracks.want({ audio, video }, { again: true });
    assertEquals(tracks.allowed, { video });
    assertEquals(state.muted, [{ track: "audio", by: "moderator" }]);
    assertEquals(events, muted.length === 0 ? ["audio true"] : []);
  }
});

Deno.test("AgentTracks reports by whom a track is muted, also when only that changes", () => {
  const { tracks, events, state } = tracksAfter();
  tracks.want({ audio }, { again: false });
  tracks.follow((rights) => rights.follow([]));
  assertEquals(state.muted, [{ track: "audio", by: "rights" }]);
  tracks.follow((rights) => rights.mute(TrackType.AUDIO));
  assertEquals(state.muted, [{ track: "audio", by: "moderator" }]);
  tracks.want({ audio }, { again: false });
  assertEquals([events, state.muted], [["audio true"], [{ track: "audio", by: "rights" }]]);
});
