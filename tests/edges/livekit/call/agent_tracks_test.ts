import { assertEquals } from "@std/assert";
import { AgentTracks } from "../../../../src/edges/livekit/child/call/agent_tracks.ts";
import { FakeTrack } from "../session/_media.ts";

Deno.test("AgentTracks says that a muted agent is heard again when it publishes anew", () => {
  const log: string[] = [];
  const tracks = new AgentTracks({
    connection: { videoTrack: new FakeTrack("picture", "video") },
    audio: { addListener: () => new FakeTrack("voice", "audio"), removeListener: () => {} },
    moderated: [],
    onModerated: (kinds) => void log.push(`moderated: ${kinds}`),
    onMuted: ({ kind, muted }) => void log.push(`${kind} ${muted}`),
    identityOf: () => undefined,
  });
  const both = { audio: true, video: true };
  tracks.want(both, { again: false, directed: [] });
  tracks.follow((rights) => rights.mute("audio", true));
  assertEquals(log.splice(0), ["moderated: audio", "audio true"]);
  tracks.want(both, { again: true, directed: [] });
  assertEquals([log.splice(0), tracks.allowed.audio], [[], undefined]);
  tracks.want(both, { again: false, directed: [] });
  assertEquals(log, ["moderated: ", "audio false"]);
  assertEquals(tracks.allowed.audio?.id, "voice");
});
