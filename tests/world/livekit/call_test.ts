/** An agent in a room of LiveKit's own server, with people who use LiveKit's own client. */
import { assert, assertEquals, assertObjectMatch, assertRejects } from "@std/assert";
import { DtmfReceivedEvent, type EdgeError, ErrorEvent, TrackType } from "@ringline/edge";
import { AgentMutedEvent, ParticipantUpdatedEvent, RpcError } from "@ringline/livekit";
import { Listener, medianFrequency } from "../../edges/getstream/listener.ts";
import { until } from "../../fixtures/until.ts";
import { edgeOn, entry, liveKitTest } from "./_fixture.ts";
import { Guest } from "./_guest.ts";
import { perform, playTone } from "../../fixtures/performer.ts";

/** Waits until the agent hears this tone, from now on. */
async function hears(agent: Listener, hz: number): Promise<void> {
  const since = performance.now();
  await until(`the agent hears ${hz} Hz`, () => {
    const loud = agent.slots.filter(({ at, rms }) => at > since && rms > 0.05);
    return loud.length > 20 && Math.abs(medianFrequency(loud) - hz) < 30;
  });
}

liveKitTest("an agent and a person hear, see and write to each other", async (world) => {
  const { server, guests } = world;
  await using edge = edgeOn(server.url);
  const errors: string[] = [];
  edge.events.subscribe(
    ErrorEvent,
    ({ context, error }) => void errors.push(`${context}: ${error}`),
  );
  const agent = new Listener({ id: "bot", name: "Bot", custom: { wing: 2 } } as Listener["user"]);
  const call = await edge.createCall("kitchen", { metadata: "for tests" });
  assertObjectMatch(call.original as object, { name: "kitchen", metadata: "for tests" });
  const connection = await edge.join(agent, call);
  await perform(connection, edge);
  const person = { id: "anna", name: "Anna" };
  const anna = await Guest.join(guests, await entry(edge, call, server.url, person));
  await until("anna is here", () => connection.participants.has(anna.sid));
  await anna.run("startTone", 440);
  await hears(agent, 440);
  await anna.hears();
  await until("anna sees the agent", async () => {
    const { width, grey } = await anna.run<{ width: number; grey: number }>("seen", "bot");
    return width === 320 && Math.abs(grey - 170) < 30;
  });
  const [bot] = await anna.run<Record<string, unknown>[]>("others");
  assertObjectMatch(bot!, { identity: "bot", kind: 4, name: "Bot", metadata: '{"wing":2}' });

  for (
    const [source, type, width] of [
      ["camera", TrackType.VIDEO, 640],
      ["screen_share", TrackType.SCREEN_SHARE, 1360],
    ] as const
  ) {
    await anna.run("show", source, "rgb(60, 60, 60)", width, width * 0.5625);
    const find = () => [...connection.tracks.values()].find((one) => one.type === type);
    await until(`the track ${source}`, find);
    const pictures = connection.addTrackSubscriber(find()!.id)!;
    let seen = 0;
    (async () => {
      for await (const picture of pictures) seen = Math.max(seen, picture.width);
    })();
    await until(`the agent sees ${source} in its size`, () => {
      return seen === width;
    });
    pictures.close();
  }

  await edge.sendText("Good day.", { attributes: { mood: "fine" } });
  await edge.setAttributes({ "lk.agent.state": "thinking" });
  const conversation = await edge.createConversation(call, agent.user, "");
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
  type Line = { from: string; text: string; attributes: Record<string, string> };
  await until(
    "three transcriptions",
    async () => (await anna.run<Line[]>("transcriptions")).length === 3,
  );
  const lines = await anna.run<Line[]>("transcriptions");
  const final = "lk.transcription_final";
  assertEquals(lines.map(({ from, text, attributes }) => [from, text, attributes[final]]), [
    ["bot", "Hello, Anna.", "true"],
    ["anna", "Hi", "false"],
    ["anna", "Hi there.", "true"],
  ]);
  const segments = lines.map(({ attributes }) => attributes["lk.segment_id"]);
  assertEquals([segments[1] === segments[2], segments[0] === segments[1]], [true, false]);
  assert(lines.every(({ attributes }) => attributes["lk.transcribed_track_id"]?.startsWith("TR_")));
  await until("the text", async () => (await anna.run<unknown[]>("texts")).length === 1);
  assertEquals(await anna.run<unknown>("texts"), [{ from: "bot", text: "Good day." }]);
  await until(
    "the agent's state",
    async () => (await anna.log()).includes('bot {"lk.agent.state":"thinking"}'),
  );
  assertEquals(errors, []);
});

liveKitTest("an agent and a person call each other's methods", async ({ server, guests }) => {
  await using edge = edgeOn(server.url);
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(new Listener({ id: "bot", name: "Bot" }), call);
  const person = { id: "anna", name: "Anna" };
  const anna = await Guest.join(guests, await entry(edge, call, server.url, person));
  await until("anna is here", () => connection.participants.has(anna.sid));
  using _wave = edge.registerRpcMethod("wave", ({ payload, participant }) => {
    return `${payload} ${participant.userId}`;
  });
  using _busy = edge.registerRpcMethod("busy", () => {
    throw new RpcError("try later", { rpcCode: 42 });
  });
  const ask = (method: string) => anna.run<string>("call", "bot", method, "hello");
  assertEquals(await ask("wave"), "hello anna");
  assertEquals(await ask("busy"), "error 42 try later");
  assert((await ask("none")).startsWith("error 1400 "));

  await anna.run("register", "nod", "yes");
  await anna.run("register", "later");
  const perform = (method: string) => edge.performRpc({ to: anna.sid, method, payload: "?" });
  assertEquals(await perform("nod"), "yes, bot: ?");
  const refused = await assertRejects(() => perform("later"), RpcError, "not now");
  assertEquals([refused.rpcCode, refused.data], [7, "later"]);
  assertEquals((await assertRejects(() => perform("none"), RpcError)).rpcCode, 1400);
  const absent = edge.performRpc({ to: "PA_none", method: "nod" });
  assertEquals((await assertRejects(() => absent, RpcError)).rpcCode, 1401);
});

liveKitTest("an agent hears a shared screen beside its owner", async ({ server, guests }) => {
  await using edge = edgeOn(server.url);
  const agent = new Listener({ id: "bot", name: "Bot" });
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent, call);
  const person = { id: "anna", name: "Anna" };
  const anna = await Guest.join(guests, await entry(edge, call, server.url, person));
  await anna.run("startTone", 440);
  await anna.run("shareSound", 880);
  const trackOf = (type: TrackType) =>
    [...connection.tracks.values()].find((one) => one.type === type)?.id;
  for (const [type, hz] of [[TrackType.AUDIO, 440], [TrackType.SCREEN_SHARE_AUDIO, 880]] as const) {
    await until(`the agent hears ${hz} Hz`, () => {
      const loud = agent.slots.filter(({ trackId, rms }) =>
        trackId === trackOf(type) && rms > 0.05
      );
      return loud.length > 20 && Math.abs(medianFrequency(loud) - hz) < 30;
    });
  }
});

liveKitTest("others mute an agent, withdraw its rights, and give them back", async (world) => {
  const { server, guests } = world;
  await using edge = edgeOn(server.url);
  const muted: string[] = [];
  edge.events.subscribe(AgentMutedEvent, (e) => void muted.push(`${e.track} ${e.muted}`));
  const agent = new Listener({ id: "bot", name: "Bot" });
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent, call);
  const audio = await playTone(connection, edge);
  const person = { id: "anna", name: "Anna" };
  const anna = await Guest.join(guests, await entry(edge, call, server.url, person));
  await anna.hears();

  const [track] = (await server.rooms.getParticipant("kitchen", "bot")).tracks;
  await server.rooms.mutePublishedTrack("kitchen", "bot", track!.sid, true);
  await until("the agent is muted", () => muted.includes("audio true"));
  await until("anna sees it", async () => (await anna.log()).includes("muted bot microphone"));
  await connection.publishTracks({ audio });
  await until("anna sees it", async () => (await anna.log()).includes("unmuted bot microphone"));
  await anna.hears();

  await connection.publishTracks({});
  await until(
    "it mutes itself",
    async () => (await anna.log()).filter((line) => line === "muted bot microphone").length === 2,
  );
  await connection.publishTracks({ audio });
  await anna.hears();

  const rights = { canSubscribe: true, canPublishData: true, canUpdateMetadata: true };
  muted.length = 0;
  const withdrawn = { permission: { ...rights, canPublish: false } };
  await server.rooms.updateParticipant("kitchen", "bot", withdrawn);
  await until("its rights are gone", () => muted.includes("audio true"));
  await until("its track is gone", async () => {
    const [bot] = await anna.run<{ tracks: unknown[] }[]>("others");
    return bot!.tracks.length === 0;
  });
  const given = { permission: { ...rights, canPublish: true } };
  await server.rooms.updateParticipant("kitchen", "bot", given);
  await until("its rights are back", () => muted.includes("audio false"));
  await anna.hears();
});

liveKitTest("a telephone is a person with its attributes and its keys", async (world) => {
  const { server, guests } = world;
  await using edge = edgeOn(server.url);
  const { AccessToken } = await import("livekit-server-sdk");
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(new Listener({ id: "bot", name: "Bot" }), call);
  const keys: string[] = [];
  const updates: string[] = [];
  edge.events.subscribe(
    DtmfReceivedEvent,
    (e) => void keys.push(`${e.participant.userId} ${e.digit}`),
  );
  edge.events.subscribe(ParticipantUpdatedEvent, (e) => {
    updates.push(e.attributes["sip.callStatus"]!);
  });
  const { API_KEY, API_SECRET } = await import("./_server.ts");
  const attributes = { "sip.phoneNumber": "+4930123456", "sip.callStatus": "ringing" };
  const token = new AccessToken(API_KEY, API_SECRET, { identity: "phone", attributes });
  token.kind = "sip";
  token.addGrant({ room: "kitchen", roomJoin: true });
  const phone = await Guest.join(guests, { url: server.url, token: await token.toJwt() });
  await until("the telephone is here", () => connection.participants.get(phone.sid));
  const { kind, userId, original } = connection.participants.get(phone.sid)!;
  assertEquals([kind, userId], ["person", "phone"]);
  assertObjectMatch(original as object, { kind: "sip", attributes });
  await server.rooms.updateParticipant("kitchen", "phone", {
    attributes: { "sip.callStatus": "active" },
  });
  await until("its state", () => updates.includes("active"));
  await phone.run("pressKey", 4, "4");
  await phone.run("pressKey", 11, "#");
  await until("its keys", () => keys.length === 2);
  assertEquals(keys, ["phone 4", "phone #"]);
});

liveKitTest("a call ends with the reason that the server gives", async ({ server }) => {
  await using edge = edgeOn(server.url);
  await using other = edgeOn(server.url);
  const agent = new Listener({ id: "bot", name: "Bot" });
  const call = await edge.createCall("kitchen");
  const join = async (by = edge) => {
    const connection = await by.join(agent, call);
    await server.hasMediaOf("bot", "kitchen");
    return connection;
  };
  let connection = await join();
  await server.rooms.removeParticipant("kitchen", "bot");
  assertEquals(await connection.closed, "kicked");
  connection = await join();
  const second = await join(other);
  assertEquals(await connection.closed, "replaced");
  await server.rooms.deleteRoom("kitchen");
  assertEquals(await second.closed, "call-ended");
  const codes: string[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void codes.push((error as EdgeError).code));
  connection = await join();
  await server.stop();
  assertEquals([await connection.closed, codes], ["network", ["server-shutdown"]]);
});

liveKitTest("a picture in H.264 is no picture, which is said once", async ({ server, guests }) => {
  await using edge = edgeOn(server.url);
  const errors: string[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(String(error)));
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(new Listener({ id: "bot", name: "Bot" }), call);
  const person = { id: "anna", name: "Anna" };
  const anna = await Guest.join(guests, await entry(edge, call, server.url, person));
  const codec = { videoCodec: "h264", backupCodec: false };
  await anna.run("show", "camera", "rgb(60, 60, 60)", 320, 180, codec);
  const find = () => [...connection.tracks.values()].find(({ type }) => type === TrackType.VIDEO);
  await until("the track", find);
  connection.addTrackSubscriber(find()!.id);
  await until("the reason", () => errors.length === 1);
  assert(/anna sends H264 only/.test(errors[0]!), errors[0]);
});
