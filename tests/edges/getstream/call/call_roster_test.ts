import { create } from "@bufbuild/protobuf";
import { assertEquals } from "@std/assert";
import {
  type Participant,
  ParticipantSchema,
} from "../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { CallRoster } from "../../../../src/edges/getstream/child/call/call_roster.ts";
import { TrackType } from "../../../../src/edge/types.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";
import type { ConnectionMessage, KnownCallState } from "../../../../src/media/wire/messages.ts";

function roster(
  findAgents: (ids: string[]) => Promise<ReadonlySet<string>> = none,
  graceMs = 0,
) {
  const clock = new VirtualClock();
  const emitted: string[] = [];
  const it = new CallRoster({
    emit: (message) => void emitted.push(describe(message)),
    findAgents,
    graceMs,
    clock,
    onChange: () => {},
  });
  return { emitted, it, clock };
}

const none = () => Promise.resolve(new Set<string>());
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

function describe(message: ConnectionMessage): string {
  switch (message.type) {
    case "participantJoined":
      return `joined ${message.participant.id} ${message.participant.kind}`;
    case "participantLost":
      return `lost ${message.participantId} for ${message.graceMs}`;
    case "participantLeft":
      return `left ${message.participantId}`;
    case "trackAdded":
      return `track ${message.track.id}${message.track.muted ? " muted" : ""}${
        message.track.id.startsWith(`${message.track.participantId}:`)
          ? ""
          : ` of ${message.track.participantId}`
      }`;
    case "trackUpdated":
      return `${message.muted ? "muted" : "unmuted"} ${message.trackId}`;
    case "trackRemoved":
      return `no track ${message.trackId}`;
    default:
      return message.type;
  }
}

function person(sessionId: string, tracks: TrackType[] = []): Participant {
  return create(ParticipantSchema, {
    sessionId,
    userId: `user-${sessionId}`,
    trackLookupPrefix: `p-${sessionId}`,
    publishedTracks: tracks.map(Number),
  });
}

Deno.test("who is there with which tracks is emitted, people before their tracks", async () => {
  const { emitted, it } = roster();
  await it.replace([person("a", [TrackType.AUDIO]), person("b")]);
  assertEquals(emitted, ["joined a person", "track a:audio", "joined b person"]);
});

Deno.test("the whole state tells the difference to what was known", async () => {
  const { emitted, it } = roster();
  await it.replace([person("a", [TrackType.AUDIO, TrackType.VIDEO]), person("b")]);
  emitted.length = 0;
  await it.replace([person("a", [TrackType.VIDEO, TrackType.SCREEN_SHARE]), person("c")]);
  assertEquals(emitted, [
    "left b",
    "track a:screen_share",
    "no track a:audio",
    "joined c person",
  ]);
});

Deno.test("own sessions, past ones too, are no other participant", async () => {
  const { emitted, it } = roster();
  it.addOwn("me");
  await it.replace([person("me", [TrackType.AUDIO]), person("a")]);
  it.addOwn("me-again");
  it.joined(person("me-again"));
  it.published("me", TrackType.VIDEO, person("me"));
  await settled();
  assertEquals(emitted, ["joined a person"]);
});

Deno.test("a session that leaves while it is looked up was never there", async () => {
  const answer = Promise.withResolvers<ReadonlySet<string>>();
  const { emitted, it } = roster(() => answer.promise);
  it.joined(person("a", [TrackType.AUDIO]));
  it.joined(person("b"));
  it.left("a");
  answer.resolve(new Set(["user-b"]));
  await settled();
  assertEquals(emitted, ["joined b agent"]);
});

Deno.test("a track that is published before its publisher is known is emitted after them", async () => {
  const { emitted, it } = roster();
  it.published("a", TrackType.AUDIO, person("a"));
  it.published("unknown", TrackType.AUDIO);
  await settled();
  assertEquals(emitted, ["joined a person", "track a:audio"]);
});

Deno.test("muting keeps a track, and unpublishing removes it", async () => {
  const { emitted, it } = roster();
  await it.replace([person("a", [TrackType.AUDIO])]);
  emitted.length = 0;
  it.unpublished("a", TrackType.AUDIO, 1);
  it.unpublished("a", TrackType.AUDIO, 1);
  it.published("a", TrackType.AUDIO);
  it.unpublished("a", TrackType.AUDIO, 0);
  assertEquals(emitted, ["muted a:audio", "unmuted a:audio", "no track a:audio"]);
});

Deno.test("a muted track outlives a state that does not name it", async () => {
  const { emitted, it } = roster();
  await it.replace([person("a", [TrackType.AUDIO])]);
  it.unpublished("a", TrackType.AUDIO, 1);
  emitted.length = 0;
  await it.replace([person("a")]);
  assertEquals(emitted, []);
});

Deno.test("types that do not exist are not tracks", async () => {
  const { emitted, it } = roster();
  await it.replace([person("a", [0 as TrackType, 9 as TrackType])]);
  it.published("a", 7 as TrackType);
  assertEquals(emitted, ["joined a person"]);
});

/** As Stream's official client rejoins: track removed, left, then 7 ms later joined anew. */
Deno.test("a user who rejoins with a new session is the participant they were", async () => {
  let asked = 0;
  const { emitted, it, clock } = roster(() => {
    asked++;
    return none();
  }, 6000);
  const as = (sessionId: string, userId: string) => ({
    ...person(sessionId, [TrackType.AUDIO]),
    userId,
  });
  await it.replace([as("a", "anna"), as("b", "bert")]);
  emitted.length = 0;
  it.unpublished("a", TrackType.AUDIO, 0);
  it.left("a");
  await clock.advance(7);
  it.joined(as("a2", "anna"));
  assertEquals(emitted, [
    "no track a:audio",
    "lost a for 6000",
    "joined a person",
    "track a2:audio of a",
  ]);
  assertEquals([it.participantIdOf("a2"), it.participantIdOf("b"), asked], ["a", "b", 1]);
  emitted.length = 0;
  // A second time, and then for good.
  it.left("a2");
  it.joined(as("a3", "anna"));
  it.left("a3");
  await clock.advance(6000);
  it.joined(as("a4", "anna"));
  await settled();
  assertEquals(emitted, [
    "no track a2:audio",
    "lost a for 6000",
    "joined a person",
    "track a3:audio of a",
    "no track a3:audio",
    "lost a for 6000",
    "joined a4 person",
    "track a4:audio",
  ]);
});

Deno.test("of two devices of a user only one comes back, and no other user does", async () => {
  const { emitted, it, clock } = roster(none, 6000);
  const as = (sessionId: string, userId: string) => ({ ...person(sessionId), userId });
  await it.replace([as("phone", "anna"), as("laptop", "anna")]);
  it.left("phone");
  it.joined(as("other", "bert"));
  await settled();
  it.joined(as("phone-2", "anna"));
  it.joined(as("tablet", "anna"));
  // Until then it may be one of the others, joining anew.
  await clock.advance(1000);
  await settled();
  assertEquals(emitted.slice(2), [
    "lost phone for 6000",
    "joined other person",
    "joined phone person",
    "joined tablet person",
  ]);
});

/** A session of one user, who may have several. */
function session(sessionId: string, tracks: TrackType[] = []): Participant {
  return create(ParticipantSchema, { ...person(sessionId, tracks), userId: "anna" });
}

Deno.test("CallRoster keeps a user who joins anew before the old session leaves", async () => {
  const { emitted, it, clock } = roster(none, 6000);
  await it.replace([session("a", [TrackType.AUDIO])]);
  it.joined(session("b", [TrackType.AUDIO]));
  await clock.advance(900);
  it.left("a");
  assertEquals(emitted, [
    "joined a person",
    "track a:audio",
    "no track a:audio",
    "lost a for 6000",
    "joined a person",
    "track b:audio of a",
  ]);
  await clock.advance(10_000);
  assertEquals([emitted.length, clock.pending], [6, 0]);
});

Deno.test("CallRoster takes a second device of a user for a second participant", async () => {
  const { emitted, it, clock } = roster(none, 6000);
  await it.replace([session("a")]);
  it.joined(session("b"));
  await clock.advance(1100);
  await settled();
  assertEquals(emitted, ["joined a person", "joined b person"]);
  it.joined(session("c"));
  it.left("c");
  it.joined(session("d"));
  it.close();
  await clock.advance(1100);
  assertEquals([emitted.length, clock.pending], [2, 0]);
});

Deno.test("CallRoster removes a screen that is no longer shared, and mutes a camera", async () => {
  for (const cause of [1, 3]) {
    const { emitted, it } = roster();
    await it.replace([session("a", [TrackType.VIDEO, TrackType.SCREEN_SHARE])]);
    emitted.length = 0;
    it.unpublished("a", TrackType.VIDEO, cause);
    it.unpublished("a", TrackType.SCREEN_SHARE, cause);
    assertEquals(emitted, ["muted a:video", "no track a:screen_share"]);
  }
});

Deno.test("CallRoster lets a person be heard whose lookup takes long, and corrects an agent", async () => {
  const answer = Promise.withResolvers<ReadonlySet<string>>();
  const { emitted, it, clock } = roster(() => answer.promise);
  it.joined(person("a", [TrackType.AUDIO]));
  it.joined(person("b"));
  await clock.advance(250);
  assertEquals(emitted, ["joined a person", "track a:audio", "joined b person"]);
  answer.resolve(new Set(["user-b"]));
  await settled();
  assertEquals(emitted.slice(3), ["joined b agent"]);
});

Deno.test("CallRoster takes the SFU's word for an agent, and shows what it says of people", () => {
  const joined: unknown[] = [];
  let lookups = 0;
  const it = new CallRoster({
    emit: (message) => {
      if (message.type === "participantJoined") joined.push(message.participant);
    },
    findAgents: () => {
      lookups++;
      return none();
    },
    graceMs: 0,
    clock: new VirtualClock(),
    onChange: () => {},
  });
  it.joined(create(ParticipantSchema, {
    sessionId: "a",
    userId: "vision",
    name: "Vision",
    image: "https://x/y.png",
    roles: ["user"],
    custom: { is_agent: true },
    source: 3,
  }));
  assertEquals(lookups, 0);
  assertEquals(joined, [{
    id: "a",
    userId: "vision",
    name: "Vision",
    kind: "agent",
    original: {
      session_id: "a",
      user_id: "vision",
      name: "Vision",
      image: "https://x/y.png",
      roles: ["user"],
      custom: { is_agent: true },
      source: "sip",
    },
  }]);
});

Deno.test("CallRoster takes thousands, and reports those beyond, who come in as others leave", async () => {
  const full: number[] = [];
  let joined = 0;
  const it = new CallRoster({
    emit: ({ type }) => void (joined += type === "participantJoined" ? 1 : 0),
    findAgents: none,
    graceMs: 0,
    clock: new VirtualClock(),
    onFull: (limit) => void full.push(limit),
    onChange: () => {},
  });
  await it.replace(Array.from({ length: 10_002 }, (_, index) => person(`s${index}`)));
  assertEquals([joined, full], [10_000, [10_000]]);
  it.left("s5");
  await settled();
  it.left("s10001");
  it.left("s6");
  await settled();
  assertEquals(joined, 10_001);
});

Deno.test("CallRoster emits the number of anonymous viewers when the agent does not know it", async () => {
  const counts = async (known?: KnownCallState) => {
    const emitted: number[] = [];
    const it = new CallRoster({
      emit: (message) => message.type === "viewersCounted" && void emitted.push(message.count),
      findAgents: none,
      graceMs: 0,
      known,
      clock: new VirtualClock(),
      onChange: () => {},
    });
    await it.replace([]);
    it.viewersCounted(2);
    it.viewersCounted(2);
    // An SFU that does not say: they are as many as before.
    await it.replace([]);
    await it.replace([], 1);
    return emitted;
  };
  assertEquals(await counts(), [2, 1]);
  assertEquals(await counts({ participants: [], tracks: [] }), [0, 2, 1]);
});
