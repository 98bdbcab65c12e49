import { ParticipantPermission, TrackSource } from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import { PublishingRights } from "../../../../src/edges/livekit/child/call/publishing_rights.ts";
import type { OwnKind } from "../../../../src/edges/livekit/child/session/publisher.ts";

const KINDS: OwnKind[] = ["audio", "video"];
const allowedBy = (rights: PublishingRights) => KINDS.filter((kind) => rights.allows(kind));

Deno.test("PublishingRights follows permissions, also those for some sources only", () => {
  const rights = new PublishingRights();
  assertEquals(allowedBy(rights), KINDS);
  assertEquals(rights.permit(new ParticipantPermission({ canPublish: true })), []);
  const sources = { canPublish: true, canPublishSources: [TrackSource.MICROPHONE] };
  assertEquals(rights.permit(new ParticipantPermission(sources)), [{ kind: "video", muted: true }]);
  assertEquals(allowedBy(rights), ["audio"]);
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
  assertEquals(allowedBy(rights), ["video"]);
  assertEquals(rights.unmute(), [{ kind: "audio", muted: false }]);
  assertEquals(allowedBy(rights), KINDS);
  rights.mute("video", true);
  assertEquals(rights.mute("video", false), [{ kind: "video", muted: false }]);
});

Deno.test("PublishingRights reports what others have muted, and takes it over from another process", () => {
  const reports: OwnKind[][] = [];
  const rights = new PublishingRights({
    moderated: ["audio"],
    onModerated: (kinds) => void reports.push(kinds),
  });
  assertEquals(allowedBy(rights), ["video"]);
  rights.mute("audio", true);
  rights.permit(new ParticipantPermission({ canPublish: false }));
  assertEquals(reports, []);
  rights.mute("video", true);
  rights.mute("audio", false);
  rights.unmute();
  rights.unmute();
  assertEquals(reports, [["audio", "video"], ["video"], []]);
});
