/** What production calls need: how they are created, their rights and their events, on the double. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EdgeError } from "../../../src/edge/errors.ts";
import {
  ConnectionQualityEvent,
  DominantSpeakerEvent,
  StreamCallEvent,
} from "../../../src/edges/getstream/mod.ts";
import { StreamDouble } from "./double/stream_double.ts";
import { CID, edgeOn, TestCall } from "./_fixture.ts";
import { Listener } from "./listener.ts";
import { until } from "../../fixtures/until.ts";

Deno.test("createCall passes on members, settings, data and whether it rings", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double, { location: "FRA" });
  const agent = new Listener({ id: "bot@example", name: "Bot" });
  await edge.authenticate(agent.user);
  const call = await edge.createCall("kitchen", {
    members: [{ userId: "anna", role: "host" }, { userId: "bot@example" }],
    custom: { topic: "bread" },
    settingsOverride: { backstage: { enabled: true } },
    ring: true,
    team: "blue",
  });
  const { body } = double.requests.find(({ path }) => path.endsWith("/kitchen"))!;
  assertEquals(body, {
    ring: true,
    data: {
      created_by_id: "bot@example",
      members: [{ user_id: "anna", role: "host" }, { user_id: "bot@example" }],
      custom: { topic: "bread" },
      settings_override: { backstage: { enabled: true } },
      team: "blue",
    },
  });
  assertEquals((call.original as { backstage: boolean }).backstage, true);
  await edge.goLive(call);
  assertEquals(double.calls.get(CID)!.backstage, false);
  await edge.stopLive(call);
  assertEquals(double.calls.get(CID)!.backstage, true);

  double.capabilities.set("bot@example", ["send-audio", "join-backstage"]);
  await using connection = await edge.join(agent, call);
  assertEquals(edge.capabilitiesOf(connection), ["send-audio", "join-backstage"]);
  const join = double.requests.find(({ path }) => path.endsWith("/join"))!;
  assertEquals((join.body as { location: string }).location, "FRA");
  assertEquals([(await double.report()).faults, double.faults], [[], []]);
});

Deno.test("GetStreamEdge refuses a call that is encrypted from end to end, and says why", async () => {
  await using double = await StreamDouble.start();
  await double.sfu.command("set", { isEncrypted: true });
  await using edge = edgeOn(double);
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  const call = await edge.createCall("kitchen");
  const error = await assertRejects(() => edge.join(agent, call), EdgeError, "end to end");
  assertEquals([error.code, error.retryable], ["encrypted", false]);
  assertEquals((await double.report()).joins.length, 1);
  await until("no process", () => edge.mediaProcessId === undefined);
});

Deno.test("GetStreamEdge emits call.* events, the dominant speaker and connections' quality", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const came: unknown[] = [];
  const { events } = test.edge;
  events.subscribe(StreamCallEvent, ({ data }) => {
    // Typed by Stream's SDK.
    if (data.type === "call.member_added") came.push(data.members.map(({ user_id }) => user_id));
    else came.push(data.type);
  });
  events.subscribe(DominantSpeakerEvent, ({ participant }) => void came.push(participant.userId));
  events.subscribe(ConnectionQualityEvent, ({ qualities }) => {
    came.push(qualities.map(({ participant, quality }) => [participant.userId, quality]));
  });
  double.emit(CID, { type: "call.member_added", members: [{ user_id: "bert" }] });
  double.emit(CID, { type: "call.of_tomorrow" });
  await until("the events", () => came.length === 2);
  const { participantSession: sessionId } = test;
  await double.sfu.command("speakers", { cid: CID, sessionId });
  await until("the speaker", () => came.length === 4);
  assertEquals(came, [["bert"], "call.of_tomorrow", "anna", [["anna", "poor"]]]);
  const { original } = [...test.connection.participants.values()][0]!;
  assertEquals((original as { source: string }).source, "webrtc");
  assert(test.errors.length === 0, test.errors.join("\n"));
});

Deno.test("GetStreamEdge counts anonymous viewers: no participants, and no empty call", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double, { silenceTimeoutMs: 3000 });
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  const call = await edge.createCall("kitchen");
  await double.sfu.command("countViewers", { cid: CID, count: 2 });
  await using connection = await edge.join(agent, call);
  assertEquals([connection.state, connection.participants.size], ["active", 0]);
  // By the SFU's responses to health checks.
  await double.sfu.command("countViewers", { cid: CID, count: 0 });
  await until("being idle", () => connection.state === "idle");
  await double.sfu.command("countViewers", { cid: CID, count: 1 });
  await until("being watched", () => connection.state === "active");
  assertEquals([connection.participants.size, connection.idleForMs()], [0, 0]);
});
