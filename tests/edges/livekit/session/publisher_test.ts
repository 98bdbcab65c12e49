import { TrackInfo, TrackPublishedResponse, TrackSource } from "@livekit/protocol";
import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError, EdgeError } from "../../../../src/edge/errors.ts";
import { Audience } from "../../../../src/edges/livekit/child/session/audience.ts";
import { Publisher } from "../../../../src/edges/livekit/child/session/publisher.ts";
import type { ClientMessage } from "../../../../src/edges/livekit/child/signal/signal_socket.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";
import { FakeTrack, FakeTransceiver, settled } from "./_media.ts";

function fixture() {
  const clock = new VirtualClock();
  const sections: FakeTransceiver[] = [];
  const log: string[] = [];
  const state = {
    size: undefined as { width: number; height: number } | undefined,
    present: ["anna", "bert"],
  };
  const send = (message: ClientMessage) => void log.push(describe(message));
  const publisher = new Publisher({
    peer: {
      addSending: (track) => {
        const section = new FakeTransceiver(track.kind, track, "sendonly");
        sections.push(section);
        return section;
      },
      negotiate: () => Promise.resolve(void log.push("negotiate")),
    },
    audience: new Audience({ send, identities: () => state.present.values() }),
    clock,
    send,
    size: () => state.size,
  });
  const consent = async (cid: string, sid: string) => {
    await settled();
    publisher.onConsent(new TrackPublishedResponse({ cid, track: new TrackInfo({ sid }) }));
  };
  const sent = () => sections.map(({ sender }) => sender.track?.id);
  const directions = () => sections.map(({ direction }) => direction);
  return { clock, publisher, state, consent, sent, directions, take: () => log.splice(0) };
}

function describe({ case: name, value }: ClientMessage): string {
  if (name === "addTrack") {
    const { cid, source, width, layers } = value;
    return `add ${cid} ${TrackSource[source]}${width ? ` ${width} ${layers[0]?.width}` : ""}`;
  }
  if (name === "mute") return `${value.muted ? "mute" : "unmute"} ${value.sid}`;
  if (name === "subscriptionPermission") {
    if (value.allParticipants) return "all receive all";
    return value.trackPermissions.map(({ participantIdentity, trackSids }) =>
      `${participantIdentity} receives ${trackSids}`
    ).join(", ");
  }
  if (name === "updateVideoTrack") return `resize ${value.trackSid} ${value.width}`;
  return `${name}`;
}

const audio = new FakeTrack("voice", "audio");
const video = new FakeTrack("picture", "video");

Deno.test("Publisher asks for both tracks and offers them in one negotiation", async () => {
  const { publisher, consent, state, sent, take } = fixture();
  state.size = { width: 320, height: 180 };
  const publishing = publisher.publish({ audio, video });
  await consent("voice", "TR_a");
  assertEquals(publisher.isAsking, true, "what the server has is not known yet");
  await consent("picture", "TR_v");
  await publishing;
  assertEquals(publisher.isAsking, false);
  assertEquals(take(), ["add voice MICROPHONE", "add picture CAMERA 320 320", "negotiate"]);
  assertEquals(sent(), ["voice", "picture"]);
  assertEquals([publisher.kindOf("TR_v"), publisher.sidOf("audio")], ["video", "TR_a"]);
  state.size = { width: 640, height: 360 };
  publisher.resized();
  assertEquals(take(), ["resize TR_v 640"]);
});

Deno.test("Publisher really stops to send what is muted", async () => {
  const { publisher, consent, sent, take } = fixture();
  const publishing = publisher.publish({ audio });
  await consent("voice", "TR_a");
  await publishing;
  take();
  await publisher.publish({});
  await publisher.publish({});
  assertEquals([take(), sent()], [["mute TR_a"], [undefined]]);
  await publisher.publish({ audio });
  assertEquals([take(), sent()], [["unmute TR_a"], ["voice"]]);
});

Deno.test("Publisher publishes a track that the server has removed under another name", async () => {
  const { publisher, consent, sent, take } = fixture();
  const publishing = publisher.publish({ audio });
  await consent("voice", "TR_a");
  await publishing;
  await publisher.onRemoved("TR_a");
  assertEquals(sent(), [undefined]);
  take();
  const again = publisher.publish({ audio });
  await consent("voice'", "TR_b");
  await again;
  assertEquals([take(), sent()], [["add voice' MICROPHONE", "negotiate"], [undefined, "voice'"]]);
});

Deno.test("Publisher fails where the server refuses a track, or says nothing", async () => {
  const { publisher, clock, sent } = fixture();
  const refused = assertRejects(() => publisher.publish({ audio }), EdgeError, "not allowed");
  await settled();
  publisher.onRefusal("voice", "not allowed");
  await refused;
  const silent = assertRejects(() => publisher.publish({ audio }), ConnectionError);
  await settled();
  await clock.advance(10_000);
  assertEquals((await silent).code, "timeout");
  assertEquals(sent(), [undefined, undefined]);
});

Deno.test("Publisher publishes a track for one participant when no other may receive it", async () => {
  const { publisher, consent, sent, state, directions, take } = fixture();
  const both = publisher.publish({
    audio,
    directed: new Map([["anna", new FakeTrack("whisper", "audio")]]),
  });
  await consent("voice", "TR_a");
  await consent("whisper", "TR_w");
  await both;
  assertEquals(take(), [
    "anna receives , bert receives ",
    "add voice MICROPHONE",
    "add whisper UNKNOWN",
    "negotiate",
    "anna receives TR_a,TR_w, bert receives TR_a",
  ]);
  state.present.push("cleo");
  publisher.audienceChanged();
  publisher.audienceChanged();
  assertEquals(take(), [
    "anna receives TR_a,TR_w, bert receives TR_a, cleo receives TR_a",
  ]);
  // It is closed, and later there is another one for the same person.
  await publisher.publish({ audio });
  assertEquals([take(), sent()], [["mute TR_w"], ["voice", undefined]]);
  const other = new FakeTrack("whisper 2", "audio");
  await publisher.publish({ audio, directed: new Map([["anna", other]]) });
  assertEquals([take(), sent()], [["unmute TR_w"], ["voice", "whisper 2"]]);
  // They are cut off: what is theirs stays theirs.
  state.present.splice(0, 1);
  publisher.audienceChanged();
  assertEquals(take(), ["bert receives TR_a, cleo receives TR_a, anna receives TR_a,TR_w"]);
  // They have left.
  await publisher.publish({ audio });
  assertEquals(take(), ["negotiate", "all receive all"]);
  assertEquals([sent(), directions()], [["voice", undefined], ["sendonly", "inactive"]]);
});

Deno.test("Publisher repeats to a session with another socket what it may not have heard", async () => {
  const { publisher, consent, state, take } = fixture();
  state.size = { width: 320, height: 180 };
  const publishing = publisher.publish({
    audio,
    video,
    directed: new Map([["anna", new FakeTrack("whisper", "audio")]]),
  });
  for (const [cid, sid] of [["voice", "TR_a"], ["picture", "TR_v"], ["whisper", "TR_w"]]) {
    await consent(cid!, sid!);
  }
  await publishing;
  const seen = (muted: Record<string, boolean>) =>
    publisher.confirm(Object.entries(muted).map(([sid, muted]) => new TrackInfo({ sid, muted })));
  assertEquals(seen({ TR_a: false, TR_v: false, TR_w: false }), []);
  take();
  await publisher.publish({ video });
  assertEquals(take(), ["mute TR_a", "mute TR_w"]);
  assertEquals([seen({ TR_a: false, TR_v: false, TR_w: false }), take()], [[], []], "on their way");
  publisher.resumed();
  assertEquals(take(), [
    "anna receives TR_a,TR_v,TR_w, bert receives TR_a,TR_v",
    "resize TR_v 320",
  ]);
  // It heard of one of the mutes; meanwhile a moderator has muted the pictures.
  assertEquals(seen({ TR_a: false, TR_v: true, TR_w: true }), ["video"]);
  assertEquals(take(), ["mute TR_a"]);
  assertEquals([seen({ TR_a: false, TR_v: true, TR_w: true }), take()], [[], []], "once");
});
