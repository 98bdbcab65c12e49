import {
  DisconnectReason,
  Encryption_Type,
  ParticipantInfo,
  ParticipantInfo_Kind,
  ParticipantInfo_State,
  ParticipantPermission,
  TrackInfo,
  TrackSource,
  TrackType,
} from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import { CallRoster } from "../../../../src/edges/livekit/child/call/call_roster.ts";
import type { ConnectionMessage, KnownCallState } from "../../../../src/media/wire/messages.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

type Init = ConstructorParameters<typeof ParticipantInfo>[0];

const own = new ParticipantInfo({ sid: "PA_own", identity: "agent" });

function info(identity: string, init: Init = {}): ParticipantInfo {
  const state = ParticipantInfo_State.ACTIVE;
  return new ParticipantInfo({ sid: `PA_${identity}`, identity, state, ...init });
}

function gone(identity: string, disconnectReason: DisconnectReason, init: Init = {}) {
  return info(identity, {
    disconnectReason,
    state: ParticipantInfo_State.DISCONNECTED,
    ...init,
  });
}

const track = (source: TrackSource, init: ConstructorParameters<typeof TrackInfo>[0] = {}) =>
  new TrackInfo({
    sid: `TR_${TrackSource[source]}`,
    source,
    type: /CAMERA|SHARE$/.test(TrackSource[source]) ? TrackType.VIDEO : TrackType.AUDIO,
    ...init,
  });

function fixture({ graceMs = 6000, known }: { graceMs?: number; known?: KnownCallState } = {}) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const roster = new CallRoster({
    emit: (message) => {
      if (JSON.stringify(message).length > 1 << 20) throw new RangeError("too large");
      log.push(describe(message));
    },
    onError: (error) => void log.push(`${error}`.slice(0, 60)),
    graceMs,
    known,
    clock,
    onChange: () => {},
    onUpdate: ({ identity, info }) => void log.push(`${identity} is ${JSON.stringify(info.name)}`),
  });
  const take = () => log.splice(0);
  return { clock, roster, take };
}

function describe(message: ConnectionMessage): string {
  switch (message.type) {
    case "participantJoined": {
      const { id, userId, kind } = message.participant;
      return `joined ${id} ${userId} ${kind}`;
    }
    case "participantLost":
      return `lost ${message.participantId} for ${message.graceMs}`;
    case "participantLeft":
      return `left ${message.participantId}`;
    case "trackAdded": {
      const { id, type, participantId, muted } = message.track;
      return `track ${id} ${type} of ${participantId}${muted ? " muted" : ""}`;
    }
    case "trackUpdated":
      return `${message.muted ? "muted" : "unmuted"} ${message.trackId}`;
    case "trackRemoved":
      return `no track ${message.trackId}`;
    default:
      return message.type;
  }
}

Deno.test("CallRoster announces who is there, by kind, and never the agent itself", () => {
  const { roster, take } = fixture();
  roster.replace(own, [
    info("anna", { tracks: [track(TrackSource.MICROPHONE, { muted: true })] }),
    info("bot", { kind: ParticipantInfo_Kind.AGENT }),
    info("phone", { kind: ParticipantInfo_Kind.SIP }),
    info("recorder", { kind: ParticipantInfo_Kind.EGRESS }),
    gone("carl", DisconnectReason.CLIENT_INITIATED),
  ]);
  roster.update([info("agent")]);
  assertEquals(take(), [
    "joined PA_anna anna person",
    "track TR_MICROPHONE 1 of PA_anna muted",
    "joined PA_bot bot agent",
    "joined PA_phone phone person",
  ]);
});

Deno.test("CallRoster has the service's description of a telephone for the application", () => {
  const original: unknown[] = [];
  const roster = new CallRoster({
    emit: (message) => {
      if (message.type === "participantJoined") original.push(message.participant.original);
    },
    graceMs: 0,
    clock: new VirtualClock(),
    onChange: () => {},
    onUpdate: () => {},
    onError: () => {},
  });
  const attributes = { "sip.phoneNumber": "+4930123456", "sip.callStatus": "active" };
  const kind = ParticipantInfo_Kind.SIP;
  roster.replace(own, [info("phone", { kind, attributes, metadata: "m", joinedAt: 12n })]);
  const { kind: named, attributes: given, joinedAtMs } = original[0] as Record<string, unknown>;
  assertEquals([named, given, joinedAtMs], ["sip", attributes, 12_000]);
});

Deno.test("CallRoster takes a user's devices for participants of one user", () => {
  const { roster, take } = fixture();
  const attributes = { "ringline.user_id": "anna" };
  roster.replace(own, [info("anna"), info("anna's telephone", { sid: "PA_2", attributes })]);
  assertEquals(take(), ["joined PA_anna anna person", "joined PA_2 anna person"]);
});

Deno.test("CallRoster does not believe who may write their own attributes that they are another", () => {
  const { roster, take } = fixture();
  const attributes = { "ringline.user_id": "the boss" };
  const permission = new ParticipantPermission({ canUpdateMetadata: true });
  const kind = ParticipantInfo_Kind.AGENT;
  const long = { "ringline.user_id": "x".repeat(257) };
  roster.replace(own, [
    info("anna", { attributes, permission }),
    info("bot", { attributes, permission, kind }),
    info("bert", { attributes: long }),
    info("cleo", { attributes, permission: new ParticipantPermission() }),
  ]);
  assertEquals(take(), [
    "joined PA_anna anna person",
    "joined PA_bot the boss agent",
    "joined PA_bert bert person",
    "joined PA_cleo the boss person",
  ]);
});

Deno.test("CallRoster follows tracks and what people say about themselves", () => {
  const { roster, take } = fixture();
  roster.replace(own, [info("anna", { version: 1 })]);
  take();
  const sources = [
    ...[TrackSource.MICROPHONE, TrackSource.CAMERA],
    ...[TrackSource.SCREEN_SHARE, TrackSource.SCREEN_SHARE_AUDIO],
  ];
  const tracks = sources.map((source) => track(source));
  roster.update([info("anna", { version: 2, tracks })]);
  assertEquals(take(), [
    "track TR_MICROPHONE 1 of PA_anna",
    "track TR_CAMERA 2 of PA_anna",
    "track TR_SCREEN_SHARE 3 of PA_anna",
    "track TR_SCREEN_SHARE_AUDIO 4 of PA_anna",
  ]);
  const muted = track(TrackSource.MICROPHONE, { muted: true });
  roster.update([info("anna", { version: 3, name: "Anna", tracks: [muted] })]);
  const story = take();
  assertEquals(story, [
    "no track TR_CAMERA",
    "no track TR_SCREEN_SHARE",
    "no track TR_SCREEN_SHARE_AUDIO",
    "muted TR_MICROPHONE",
    'anna is "Anna"',
  ]);
  // An update that was overtaken.
  roster.update([info("anna", { version: 2, tracks })]);
  assertEquals(take(), []);
});

Deno.test("CallRoster knows encrypted tracks", () => {
  const { roster } = fixture();
  const tracks = [track(TrackSource.MICROPHONE, { encryption: Encryption_Type.GCM })];
  roster.replace(own, [info("anna", { tracks })]);
  assertEquals(roster.find("TR_MICROPHONE")?.track.isEncrypted, true);
});

Deno.test("CallRoster lets who is removed leave, and waits for who was lost", () => {
  const { roster, take, clock } = fixture();
  roster.replace(own, [info("anna", { tracks: [track(TrackSource.MICROPHONE)] }), info("bert")]);
  take();
  roster.update([gone("anna", DisconnectReason.PARTICIPANT_REMOVED)]);
  assertEquals(take(), ["no track TR_MICROPHONE", "left PA_anna"]);
  roster.update([gone("bert", DisconnectReason.SIGNAL_CLOSE)]);
  assertEquals(take(), ["lost PA_bert for 6000"]);
  clock.advance(5000);
  roster.update([info("bert", { sid: "PA_again" }), info("anna", { sid: "PA_anew" })]);
  assertEquals(take(), ["joined PA_bert bert person", "joined PA_anew anna person"]);
});

Deno.test("CallRoster waits a moment for who says goodbye: clients do when they join anew", async () => {
  const { roster, take, clock } = fixture();
  roster.replace(own, [info("anna"), info("bert")]);
  take();
  roster.update([gone("anna", DisconnectReason.CLIENT_INITIATED)]);
  roster.update([gone("bert", DisconnectReason.CLIENT_INITIATED)]);
  assertEquals(take(), ["lost PA_anna for 1000", "lost PA_bert for 1000"]);
  await clock.advance(900);
  roster.update([info("anna", { sid: "PA_anew" })]);
  await clock.advance(100);
  roster.update([info("bert", { sid: "PA_later" })]);
  assertEquals(take(), ["joined PA_anna anna person", "joined PA_later bert person"]);
});

Deno.test("CallRoster waits as long for who is lost a moment after the agent came back", async () => {
  const { roster, take, clock } = fixture();
  roster.replace(own, [info("anna")]);
  await clock.advance(60_000);
  // The agent has joined anew, and the room still has the session that Anna has lost as well.
  roster.replace(own, [info("anna")], 30_000);
  await clock.advance(1000);
  take();
  roster.update([gone("anna", DisconnectReason.STATE_MISMATCH)]);
  assertEquals(take(), ["lost PA_anna for 29000"]);
  await clock.advance(15_000);
  roster.update([info("anna", { sid: "PA_anew" })]);
  assertEquals(take(), ["joined PA_anna anna person"]);
  await clock.advance(30_000);
  roster.update([gone("anna", DisconnectReason.SIGNAL_CLOSE, { sid: "PA_anew" })]);
  assertEquals(take(), ["lost PA_anna for 6000"]);
});

Deno.test("CallRoster takes who comes back after the grace for another participant", async () => {
  const { roster, take, clock } = fixture();
  roster.replace(own, [info("bert")]);
  roster.update([gone("bert", DisconnectReason.UNKNOWN_REASON)]);
  await clock.advance(6000);
  take();
  roster.update([info("bert", { sid: "PA_again" })]);
  assertEquals(take(), ["joined PA_again bert person"]);
});

Deno.test("CallRoster keeps a participant whose new session comes before the end of the old", () => {
  const { roster, take } = fixture();
  roster.replace(own, [info("anna", { tracks: [track(TrackSource.MICROPHONE)] })]);
  take();
  const anew = track(TrackSource.MICROPHONE, { sid: "TR_new" });
  roster.update([info("anna", { sid: "PA_new", tracks: [anew] })]);
  roster.update([gone("anna", DisconnectReason.DUPLICATE_IDENTITY)]);
  assertEquals(take(), ["no track TR_MICROPHONE", "track TR_new 1 of PA_anna"]);
});

Deno.test("CallRoster waits longer for people after the agent had to join anew", () => {
  const { roster, take, clock } = fixture();
  roster.replace(own, [info("anna"), info("bert")]);
  take();
  roster.replace(own, [info("bert")], 30_000);
  assertEquals(take(), ["lost PA_anna for 30000"]);
  clock.advance(13_000);
  roster.update([info("anna", { sid: "PA_later" })]);
  assertEquals(take(), ["joined PA_anna anna person"]);
});

Deno.test("CallRoster finds those again whom another media process knew", () => {
  const participants = ["anna", "bert"].map((userId) => ({
    id: `PA_before_${userId}`,
    userId: "a user",
    name: "",
    original: { identity: userId },
    kind: "person" as const,
  }));
  const { roster, take } = fixture({ known: { participants, tracks: [] } });
  roster.replace(own, [info("anna")]);
  assertEquals(take(), ["joined PA_before_anna anna person", "lost PA_before_bert for 6000"]);
});

Deno.test("CallRoster leaves out what is too large of what people say about themselves", () => {
  const { roster, take } = fixture();
  const attributes = { small: "1", large: "\u0007".repeat(200_000) };
  roster.replace(own, [
    info("anna", { version: 1, metadata: "\u0007".repeat(500_000), attributes }),
    info("bert"),
  ]);
  const report = "EdgeError: left out metadata or attributes of anna: more tha";
  assertEquals(take(), [report, "joined PA_anna anna person", "joined PA_bert bert person"]);
  assertEquals(roster.member("anna")?.about, {
    name: "",
    metadata: "",
    attributes: { small: "1" },
  });
  // Reported once, as long as they say the same.
  const same = { metadata: "\u0007".repeat(500_000), attributes };
  roster.update([info("anna", { ...same, version: 2, tracks: [track(TrackSource.MICROPHONE)] })]);
  assertEquals(take(), ["track TR_MICROPHONE 1 of PA_anna"]);
  roster.update([info("anna", { version: 3, name: "Anna" })]);
  assertEquals(take(), ["no track TR_MICROPHONE", 'anna is "Anna"']);
});

Deno.test("CallRoster takes the others where one participant cannot be passed on", () => {
  const { roster, take } = fixture();
  roster.replace(own, [info("x".repeat(1 << 20)), info("bert")]);
  assertEquals(take(), ["RangeError: too large", "joined PA_bert bert person"]);
  assertEquals([...roster.identities], ["bert"]);
});
