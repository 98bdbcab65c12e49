/** An agent in a room of LiveKit's own server, with callers who use LiveKit's own SDK for Python. */
import { assert, assertEquals, assertObjectMatch, assertRejects } from "@std/assert";
import { ParticipantInfo_State } from "@livekit/protocol";
import {
  Agent,
  type Call,
  CustomEventReceivedEvent,
  DtmfReceivedEvent,
  ErrorEvent,
  type PcmChunk,
  type Processor,
  TextReceivedEvent,
} from "@ringline/edge";
import {
  AgentMutedEvent,
  type LiveKitEdge,
  ParticipantUpdatedEvent,
  RpcError,
} from "@ringline/livekit";
import { AccessToken } from "livekit-server-sdk";
import { tone } from "../../edges/getstream/listener.ts";
import { until } from "../../fixtures/until.ts";
import { type Caller, Callers, hasPython } from "../../programs/_livekit_callers.ts";
import { edgeOn, optionsFor } from "./_fixture.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";

const ANNA = { id: "anna", name: "Anna" };
const AGENT_HZ = 660;
const CALLER_HZ = 440;

/** What a test has. */
interface World {
  server: LiveKitServer;
  callers: Callers;
  edge: LiveKitEdge;
  /** What the edge reports. */
  errors: string[];
}

function pythonTest(name: string, body: (world: World) => Promise<void>): void {
  Deno.test({
    name,
    ignore: program === undefined || !hasPython,
    async fn() {
      await using server = await LiveKitServer.start();
      await using callers = await Callers.start();
      await using edge = edgeOn(server.url);
      const errors: string[] = [];
      edge.events.subscribe(ErrorEvent, (e) => void errors.push(`${e.context}: ${e.error}`));
      await body({ server, callers, edge, errors });
    },
  });
}

/** The tone that each participant says, and how long it was heard. */
class ToneMeter implements Processor {
  readonly name = "ear";
  heardMs = 0;
  hz = 0;
  #crossings = 0;

  /** Forgets what it has heard. */
  reset(): void {
    this.heardMs = this.#crossings = this.hz = 0;
  }

  processAudio({ pcm: { samples, durationMs } }: { pcm: PcmChunk }): void {
    if (!samples.some((sample) => Math.abs(sample) > 3000)) return;
    this.heardMs += durationMs;
    for (let at = 1; at < samples.length; at++) {
      if ((samples[at]! >= 0) !== (samples[at - 1]! >= 0)) this.#crossings++;
    }
    this.hz = this.#crossings / 2 / (this.heardMs / 1000);
  }
}

/** An agent that says a tone all the time, in a call. */
async function join(
  edge: LiveKitEdge,
  ear = new ToneMeter(),
): Promise<{ agent: Agent; call: Call }> {
  const agent = new Agent({
    edge,
    agentUser: { id: "bot", name: "Bot", custom: { wing: 2 } },
    processors: [ear],
  });
  const call = await agent.createCall("default", "kitchen");
  await agent.join(call, { participantWaitTimeoutMs: 0 });
  (async () => {
    for (;;) await agent.audio.write(tone({ frequency: AGENT_HZ, ms: 100 }));
  })().catch(() => {});
  return { agent, call };
}

async function enter(world: World, call: Call): Promise<Caller> {
  const token = new AccessToken(API_KEY, API_SECRET, { identity: ANNA.id, name: ANNA.name });
  token.addGrant({ room: call.id, roomJoin: true, canUpdateOwnMetadata: true });
  const anna = world.callers.caller("anna");
  return await anna.join(world.server.url, await token.toJwt(), CALLER_HZ);
}

/** Waits until a caller hears the agent for so long, from now on; returns what they hear. */
async function hears(anna: Caller, ms = 500) {
  await anna.listenAnew();
  return await until("the caller hears the agent", async () => {
    const heard = await anna.heard("bot");
    return heard && heard.audibleMs > ms ? heard : undefined;
  });
}

/** Waits until the agent hears the caller, from now on. */
async function isHeard(ear: ToneMeter): Promise<void> {
  ear.reset();
  await until("the agent hears the caller", () => ear.heardMs > 500);
}

pythonTest("a caller of LiveKit's Python SDK and an agent hear each other", async (world) => {
  const { edge, errors } = world;
  const ear = new ToneMeter();
  const { agent, call } = await join(edge, ear);
  const anna = await enter(world, call);
  await hears(anna);
  await isHeard(ear);
  // Both have found their levels: from here on it is a call in progress.
  ear.reset();
  await anna.listenAnew();
  await until("four seconds", async () => ((await anna.heard("bot"))?.wallMs ?? 0) > 4000);
  const { wallMs, audibleMs, tones, purity } = (await anna.heard("bot"))!;
  const tonesHeard = Object.keys(tones);
  console.log(
    `The caller heard ${audibleMs} of ${wallMs} ms at ${tonesHeard} Hz, ${
      purity.toFixed(3)
    } pure; ` +
      `the agent heard ${ear.heardMs} ms at ${ear.hz.toFixed(1)} Hz`,
  );
  assertEquals(tonesHeard, [`${AGENT_HZ}`]);
  assert(purity > 0.9, `other sound than the agent's tone: ${purity}`);
  // The last piece is under way when it is asked.
  assert(audibleMs > wallMs * 0.75 - 200, `${audibleMs} of ${wallMs} ms were heard`);
  assert(Math.abs(ear.hz - CALLER_HZ) < 5, `the agent heard ${ear.hz} Hz`);
  assert(ear.heardMs > 3000, `the agent heard ${ear.heardMs} ms`);

  const [bot] = await anna.run<Record<string, unknown>[]>("others");
  assertObjectMatch(bot!, {
    identity: "bot",
    name: "Bot",
    kind: "PARTICIPANT_KIND_AGENT",
    metadata: '{"wing":2}',
  });
  await edge.setAttributes({ "lk.agent.state": "thinking" });
  await until(
    "the agent's state",
    async () => (await anna.log()).includes('bot {"lk.agent.state": "thinking"}'),
  );
  const [after] = await anna.run<{ attributes: Record<string, string> }[]>("others");
  assertEquals(after!.attributes["lk.agent.state"], "thinking");
  const updates: string[] = [];
  edge.events.subscribe(
    ParticipantUpdatedEvent,
    ({ participant, attributes }) =>
      void updates.push(`${participant.userId} ${attributes["mood"]}`),
  );
  await anna.run("set_attributes", { mood: "fine" });
  await until("the caller's attributes", () => updates.includes("anna fine"));

  // Both mute themselves, and are heard again.
  const connection = agent.connection!;
  await anna.run("mute", true);
  await until("the agent knows it", () => connection.tracks.values().every(({ muted }) => muted));
  await anna.run("mute", false);
  await isHeard(ear);
  await connection.publishTracks({});
  await until(
    "the caller sees that the agent is muted",
    async () => (await anna.log()).some((line) => line.startsWith("muted bot")),
  );
  const audio = edge.createAudioTrack();
  (async () => {
    for (;;) await audio.write(tone({ frequency: AGENT_HZ, ms: 100 }));
  })().catch(() => {});
  await connection.publishTracks({ audio });
  await until(
    "the caller sees that the agent is heard again",
    async () => (await anna.log()).some((line) => line.startsWith("unmuted bot")),
  );
  await hears(anna);

  await anna.run("leave");
  await until("the caller is gone", () => connection.participants.size === 0);
  await agent.close();
  assertEquals(errors, []);
});

pythonTest(
  "a caller of LiveKit's Python SDK and an agent exchange data and texts",
  async (world) => {
    const { edge, errors } = world;
    const { agent, call } = await join(edge);
    const anna = await enter(world, call);
    await hears(anna);
    const came: string[] = [];
    edge.events.subscribe(
      CustomEventReceivedEvent,
      ({ data, participant }) => void came.push(`${participant?.userId} ${JSON.stringify(data)}`),
    );
    edge.events.subscribe(
      TextReceivedEvent,
      ({ text, participant }) => void came.push(`${participant.userId} wrote ${text}`),
    );
    edge.events.subscribe(
      DtmfReceivedEvent,
      ({ digit, participant }) => void came.push(`${participant.userId} pressed ${digit}`),
    );
    await anna.run("send_data", JSON.stringify({ table: 4 }), "orders");
    await anna.run("send_data", JSON.stringify({ table: 5 }), "", ["bot"]);
    const long = "é".repeat(30_000);
    await anna.run("send_text", "Hello.");
    // The most that a person may write is 5120 bytes.
    await anna.run("send_text", long.slice(0, 2500));
    await anna.run("press", 11, "#");
    await until("all of it", () => came.length === 5);
    assertEquals(came.toSorted(), [
      ...["anna pressed #", "anna wrote Hello."],
      `anna wrote ${long.slice(0, 2500)}`,
      ...['anna {"table":4}', 'anna {"table":5}'],
    ]);

    await agent.sendCustomEvent({ soup: "hot" });
    await edge.sendText("Good day.");
    await edge.sendText(long, { to: [anna.sid] });
    const data = await until("the event", async () => {
      const found = await anna.field<string[][]>("data");
      return found.length > 0 ? found : undefined;
    });
    assertEquals(data, [["bot", "", '{"soup":"hot"}']]);
    type Text = { from: string; text: string; attributes: Record<string, string> };
    const texts = await until("the texts", async () => {
      const found = await anna.field<Text[]>("texts");
      return found.length === 2 ? found : undefined;
    });
    assertEquals(texts.map(({ from, text }) => [from, text]), [["bot", "Good day."], [
      "bot",
      long,
    ]]);

    const conversation = agent.conversation!;
    conversation.append({ role: "assistant", userId: "bot", text: "Hello, Anna." });
    const { id } = conversation.append({
      role: "user",
      userId: "anna",
      participantId: anna.sid,
      text: "Hi",
      complete: false,
    });
    await conversation.flush();
    conversation.update(id, { text: "Hi there.", complete: true });
    await conversation.flush();
    const lines = await until("the transcriptions", async () => {
      const found = await anna.field<Text[]>("transcriptions");
      return found.length === 3 ? found : undefined;
    });
    const final = "lk.transcription_final";
    assertEquals(lines.map(({ from, text, attributes }) => [from, text, attributes[final]]), [
      ["bot", "Hello, Anna.", "true"],
      ["anna", "Hi", "false"],
      ["anna", "Hi there.", "true"],
    ]);
    const segments = lines.map(({ attributes }) => attributes["lk.segment_id"]);
    assertEquals([segments[1] === segments[2], segments[0] === segments[1]], [true, false]);
    assert(
      lines.every(({ attributes }) => attributes["lk.transcribed_track_id"]?.startsWith("TR_")),
    );
    await agent.close();
    assertEquals(errors, []);
  },
);

pythonTest(
  "a caller of LiveKit's Python SDK and an agent call each other's methods",
  async (world) => {
    const { edge } = world;
    const { agent, call } = await join(edge);
    const anna = await enter(world, call);
    await hears(anna);
    using _wave = edge.registerRpcMethod("wave", ({ payload, participant }) => {
      return `${payload} ${participant.userId}`;
    });
    using _busy = edge.registerRpcMethod("busy", () => {
      throw new RpcError("try later", { rpcCode: 42, data: "soon" });
    });
    const ask = (method: string) => anna.run<string>("call", "bot", method, "hello");
    assertEquals(await ask("wave"), "hello anna");
    assertEquals(await ask("busy"), "error 42 try later soon");
    assert((await ask("none")).startsWith("error 1400 "));

    await anna.run("register", "nod", "yes");
    await anna.run("register", "later");
    const perform = (method: string) => edge.performRpc({ to: anna.sid, method, payload: "?" });
    assertEquals(await perform("nod"), "yes, bot: ?");
    const refused = await assertRejects(() => perform("later"), RpcError, "not now");
    assertEquals([refused.rpcCode, refused.data], [7, "later"]);
    assertEquals((await assertRejects(() => perform("none"), RpcError)).rpcCode, 1400);
    await agent.close();
  },
);

pythonTest("an agent presses keys, and a telephone has its attributes", async (world) => {
  const { server, callers } = world;
  await using edge = new (world.edge.constructor as typeof LiveKitEdge)({
    ...optionsFor(server.url),
    sip: {},
  });
  const { agent } = await join(edge);
  const attributes = { "sip.phoneNumber": "+4930123456", "sip.callStatus": "active" };
  const token = new AccessToken(API_KEY, API_SECRET, { identity: "phone", attributes });
  token.kind = "sip";
  token.addGrant({ room: "kitchen", roomJoin: true });
  const phone = await callers.caller("phone").join(server.url, await token.toJwt(), CALLER_HZ);
  await hears(phone);
  const { kind, original } = agent.connection!.participants.get(phone.sid)!;
  assertEquals(kind, "person");
  assertObjectMatch(original as object, { kind: "sip", attributes });
  await agent.connection!.sendDtmf("4#");
  await until("the keys", async () => (await phone.field<unknown[]>("keys")).length === 2);
  assertEquals(await phone.field("keys"), [["bot", 4, "4"], ["bot", 11, "#"]]);
  await agent.close();
});

pythonTest("the Python API mutes, removes an agent, and deletes its room", async (world) => {
  const { server, callers, edge } = world;
  const api = { url: server.url, apiKey: API_KEY, apiSecret: API_SECRET };
  const joinAndArrive = async () => {
    const joined = await join(edge);
    // A server that closes its socket while messages are under way resets it, and loses the reason.
    await until("the server has its media", async () => {
      const all = await server.rooms.listParticipants("kitchen");
      const bot = all.find(({ identity }) => identity === "bot");
      return bot?.state === ParticipantInfo_State.ACTIVE && bot.tracks.length > 0;
    });
    return joined;
  };
  const muted: string[] = [];
  edge.events.subscribe(AgentMutedEvent, (e) => void muted.push(`${e.track} ${e.muted}`));
  const { agent, call } = await joinAndArrive();
  const anna = await enter(world, call);
  await hears(anna);
  const bot = { room: "kitchen", identity: "bot" };
  const [track] = (await server.rooms.getParticipant("kitchen", "bot")).tracks;
  const mute = ["room", "mute_published_track", "MuteRoomTrackRequest"] as const;
  await callers.request(api, [...mute], { ...bot, track_sid: track!.sid, muted: true });
  await until("the agent knows it", () => muted.includes("audio true"));
  await until(
    "the caller knows it",
    async () => (await anna.log()).some((line) => line.startsWith("muted bot")),
  );
  const remove = ["room", "remove_participant", "RoomParticipantIdentity"] as const;
  const kicked = agent.finish();
  await callers.request(api, [...remove], bot);
  assertEquals(await kicked, "kicked");
  await agent.close();
  await until(
    "the caller knows that the agent is gone",
    async () => (await anna.log()).includes("left bot"),
  );

  const { agent: second } = await joinAndArrive();
  await hears(anna);
  const ended = second.finish();
  const remaining = ["room", "delete_room", "DeleteRoomRequest"] as const;
  await callers.request(api, [...remaining], { room: "kitchen" });
  assertEquals(await ended, "call-ended");
  await until("the caller is told", async () => await anna.field("disconnected"));
  assertEquals(await anna.field("disconnected"), "ROOM_DELETED");
  await second.close();
});
