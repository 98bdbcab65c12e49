import { assertEquals } from "@std/assert";
import { TrackType } from "../../../../src/edge/types.ts";
import { PublishingRights } from "../../../../src/edges/getstream/child/call/publishing_rights.ts";
import type { RtcTrack } from "../../../../src/media/child/mod.ts";

const track = {} as RtcTrack;

Deno.test("PublishingRights follows the service's names, and an SFU's refusal of some tracks", () => {
  const rights = new PublishingRights();
  const both = { audio: track, video: track };
  assertEquals(rights.follow(["send-audio"]), [{ type: TrackType.VIDEO, muted: true }]);
  assertEquals(rights.refuse({ audio: track }), [{ type: TrackType.AUDIO, muted: true }]);
  assertEquals(rights.allowed(both), {});
  assertEquals(rights.follow(["send-video"]), [{ type: TrackType.VIDEO, muted: false }]);
  assertEquals(rights.allowed(both), { video: track });
});

Deno.test("PublishingRights has no mute of a shared screen, which an agent has none of", () => {
  const rights = new PublishingRights();
  assertEquals(rights.mute(TrackType.SCREEN_SHARE_AUDIO), []);
  assertEquals(rights.mute(TrackType.SCREEN_SHARE), []);
  assertEquals(rights.mute(TrackType.VIDEO), [{ type: TrackType.VIDEO, muted: true }]);
});
