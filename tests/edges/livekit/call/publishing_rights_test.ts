import { ParticipantPermission, TrackSource } from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import { PublishingRights } from "../../../../src/edges/livekit/child/call/publishing_rights.ts";
import type { RtcTrack } from "../../../../src/media/child/mod.ts";

const track = {} as RtcTrack;
const both = { audio: track, video: track };

Deno.test("PublishingRights follows permissions, also those for some sources only", () => {
  const rights = new PublishingRights();
  assertEquals(rights.allowed(both), both);
  assertEquals(rights.permit(new ParticipantPermission({ canPublish: true })), []);
  const sources = { canPublish: true, canPublishSources: [TrackSource.MICROPHONE] };
  assertEquals(rights.permit(new ParticipantPermission(sources)), [{ kind: "video", muted: true }]);
  assertEquals(rights.allowed(both), { audio: track });
  assertEquals(rights.permit(new ParticipantPermission({ canPublish: false })), [
    { kind: "audio", muted: true },
  ]);
  assertEquals(rights.permit(new ParticipantPermission({ canPublish: true })), [
    { kind: "audio", muted: false },
    { kind: "video", muted: false },
  ]);
});

Deno.test("PublishingRights keeps a mute until the agent publishes anew, or others undo it", () => {
  const rights = new PublishingRights();
  assertEquals(rights.mute("audio", true), [{ kind: "audio", muted: true }]);
  assertEquals(rights.mute("audio", true), []);
  assertEquals(rights.allowed(both), { video: track });
  rights.unmute();
  assertEquals(rights.allowed(both), both);
  rights.mute("video", true);
  assertEquals(rights.mute("video", false), [{ kind: "video", muted: false }]);
});
