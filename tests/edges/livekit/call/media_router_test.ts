import { assertEquals } from "@std/assert";
import { AgentTracks } from "../../../../src/edges/livekit/child/call/agent_tracks.ts";
import type { Member, RosterTrack } from "../../../../src/edges/livekit/child/call/call_roster.ts";
import { MediaRouter } from "../../../../src/edges/livekit/child/call/media_router.ts";
import { TrackType } from "../../../../src/edge/types.ts";
import { FakeTrack } from "../session/_media.ts";

function fixture() {
  const log: string[] = [];
  const media = new Map<string, FakeTrack>();
  const router = new MediaRouter(
    {
      addSource: ({ memberId, trackId, muted }) =>
        void log.push(`${memberId} ${trackId}${muted ? " muted" : ""}`),
      removeSource: (trackId) => void log.push(`remove ${trackId}`),
      setMuted: (trackId, muted) => void log.push(`${trackId} muted: ${muted}`),
    },
    {
      isSubscribed: (trackId) => trackId === "TR_camera",
      setVideoSource: (trackId, track) => void log.push(`${trackId} shows ${track?.id}`),
    },
    (trackId) => media.get(trackId),
  );
  const member = (tracks: RosterTrack[], identity = "anna") => ({
    identity,
    participantId: "PA_1",
    isAgent: false,
    sid: "PA_1",
    tracks: new Map(tracks.map((track) => [track.id, track])),
  } as unknown as Member);
  return { router, member, media, take: () => log.splice(0) };
}

const microphone = { id: "TR_mic", type: TrackType.AUDIO, isEncrypted: false, muted: false };
const camera = { id: "TR_camera", type: TrackType.VIDEO, isEncrypted: false, muted: false };

Deno.test("MediaRouter attaches what has media, and detaches what is gone", () => {
  const { router, member, media, take } = fixture();
  router.sync(member([microphone, camera]));
  assertEquals(take(), []);
  media.set("TR_mic", new FakeTrack("sound", "audio"));
  media.set("TR_camera", new FakeTrack("picture", "video"));
  router.syncAll([member([microphone, camera])]);
  assertEquals(take(), ["PA_1 TR_mic", "TR_camera shows picture"]);
  router.sync(member([{ ...microphone, muted: true }, camera]));
  assertEquals(take(), ["TR_mic muted: true"]);
  media.delete("TR_camera");
  router.sync(member([camera]));
  assertEquals(take(), ["remove TR_mic", "TR_camera shows undefined"]);
});

Deno.test("MediaRouter never takes a participant for the agent, whatever their identity is", () => {
  const { router, member, media, take } = fixture();
  media.set("TR_mic", new FakeTrack("sound", "audio"));
  router.sync(member([microphone], AgentTracks.member.memberId));
  assertEquals(take(), ["PA_1 TR_mic"]);
});
