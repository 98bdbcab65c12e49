/** Jobs that LiveKit's own server hands out, asked for by LiveKit's own SDKs. */
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  AuthenticationError,
  type CallConnection,
  ConnectionError,
  type JobFeed,
} from "@ringline/edge";
import { RoomAgentDispatch, RoomConfiguration } from "@livekit/protocol";
import { LiveKitEdge } from "@ringline/livekit";
import { AccessToken, AgentDispatchClient } from "livekit-server-sdk";
import { Listener } from "../../edges/getstream/listener.ts";
import { declined, type TestJob, TestWorker } from "../../fixtures/test_worker.ts";
import { until } from "../../fixtures/until.ts";
import { edgeOn, liveKitTest, optionsFor } from "./_fixture.ts";
import { Guest } from "./_guest.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { playTone } from "../../fixtures/performer.ts";
import { Wire } from "./_wire.ts";

/** A worker whose agents say a tone in their calls. */
function worker(edge: LiveKitEdge, connections: CallConnection[] = []): TestWorker {
  const work = async (job: TestJob): Promise<void> => {
    const connection = await edge.join(new Listener({ id: "cook", name: "Cook" }), job.call!);
    connections.push(connection);
    connection.closed.then((reason) => job.finish(reason));
    job.ended.then(() => connection.close());
    playTone(connection, edge).catch(() => {}); // it may be closed meanwhile
  };
  return new TestWorker((job) => {
    work(job).catch((error) => void job.end({ status: "failed", error }));
  });
}

function dispatchesOf(server: LiveKitServer): AgentDispatchClient {
  return new AgentDispatchClient(`http://127.0.0.1:${server.port}`, API_KEY, API_SECRET);
}

/** Registers a test with a server alone. */
function serverTest(name: string, body: (server: LiveKitServer) => Promise<void>): void {
  Deno.test({
    name,
    ignore: program === undefined,
    async fn() {
      await using server = await LiveKitServer.start();
      await body(server);
    },
  });
}

const open = { signal: new AbortController().signal };

liveKitTest("a caller whose token asks for an agent by name hears it", async (world) => {
  const { server, guests } = world;
  await using edge = edgeOn(server.url);
  const cook = worker(edge);
  const feed = await edge.jobs({ agentName: "cook" }).openJobs(cook, open);
  const token = new AccessToken(API_KEY, API_SECRET, { identity: "anna", name: "Anna" });
  token.addGrant({ room: "kitchen", roomJoin: true });
  token.roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: "cook", metadata: '{"table":7}' })],
  });
  const anna = await Guest.join(guests, { url: server.url, token: await token.toJwt() });
  const job = await until("the job is announced", () => cook.jobs[0]);
  const { callId, metadata, original } = job.offer;
  assertEquals([callId, metadata], ["kitchen", { table: 7 }]);
  assertEquals((original as { agentName: string }).agentName, "cook");
  await until("the agent is heard", async () => await anna.audibleMs() > 300);
  const people = await server.rooms.listParticipants("kitchen");
  const agent = people.find(({ identity }) => identity === `agent-${job.offer.id}`)!;
  assertEquals([agent.kind, agent.name], [4, "Cook"]);
  assertEquals(agent.attributes, { "lk.agent_name": "cook", "ringline.user_id": "cook" });
  await anna.run("leave");
  await server.rooms.deleteRoom("kitchen");
  assertEquals(await job.ended, { status: "finished", reason: "call-ended" });
  await feed.close();
  assertEquals(cook.reports, []);
});

liveKitTest("a job for each person names the person", async ({ server, guests }) => {
  await using edge = edgeOn(server.url);
  const cook = worker(edge);
  const feed = await edge.jobs({ kind: "participant" }).openJobs(cook, open);
  for (const id of ["anna", "bert"]) {
    const user = { id, name: id.toUpperCase() };
    const call = await edge.createCall("kitchen");
    const identity = `${id}-phone`;
    const token = await edge.createToken(call, user, { identity });
    await Guest.join(guests, { url: server.url, token, silent: true });
  }
  await until("both jobs run", () => cook.jobs.filter(({ call }) => call).length === 2);
  assertEquals(
    cook.jobs.map(({ offer }) => offer.user).sort((a, b) => a!.id < b!.id ? -1 : 1),
    [{ id: "anna", name: "ANNA" }, { id: "bert", name: "BERT" }],
  );
  await feed.close();
});

serverTest("a job that one worker declines goes to another", async (server) => {
  await using edge = edgeOn(server.url);
  const [busy, cook] = [new TestWorker(), new TestWorker()];
  busy.answer = () => Promise.resolve(declined);
  const feeds: JobFeed[] = [];
  for (const one of [busy, cook]) {
    feeds.push(await edge.jobs({ agentName: "cook" }).openJobs(one, open));
  }
  const dispatches = dispatchesOf(server);
  // Which of the two the server asks first is chance.
  for (let count = 1; busy.jobs.length === 0; count++) {
    await dispatches.createDispatch("kitchen", "cook", { metadata: "soup" });
    await until("the job runs", () => cook.jobs.filter(({ call }) => call).length === count);
  }
  assertEquals(cook.jobs[0]!.offer.metadata, "soup");
  for (const feed of feeds) await feed.close();
});

serverTest("an agent leaves when its dispatch is deleted, and another stays", async (server) => {
  await using edge = edgeOn(server.url);
  const connections: CallConnection[] = [];
  const cook = worker(edge, connections);
  const feed = await edge.jobs({ agentName: "cook" }).openJobs(cook, open);
  const dispatches = dispatchesOf(server);
  for (const room of ["kitchen", "bar"]) {
    await dispatches.createDispatch(room, "cook");
    await until(
      `it is in the ${room}`,
      async () => (await server.rooms.listParticipants(room)).length === 1,
    );
  }
  const [kitchen, bar] = cook.jobs as [TestJob, TestJob];
  const { dispatchId } = kitchen.offer.original as { dispatchId: string };
  await dispatches.deleteDispatch(dispatchId, "kitchen");
  const { status } = await kitchen.ended;
  assertEquals([status, bar.state], ["finished", "running"]);
  await feed.close();
});

serverTest("a worker that lost its server registers again, and keeps its calls", async (server) => {
  await using first = new Wire(server.port);
  await using second = new Wire(server.port);
  await using edge = edgeOn([first.url, second.url]);
  await using direct = edgeOn(server.url);
  const connections: CallConnection[] = [];
  const cook = worker(direct, connections);
  const feed = await edge.jobs().openJobs(cook, open);
  await server.rooms.createRoom({ name: "kitchen" });
  await until("the agent has joined", () => connections[0]?.state === "waiting");
  first.cut(true);
  second.cut(true);
  await until("it noticed", () => cook.reports.length === 2);
  assertEquals(cook.reports, ["LiveKit's jobs: lost", "LiveKit's jobs: unreachable"]);
  second.cut(false);
  // A room that is made before the worker is known again has no agent: another one may have.
  await until("a later room has its agent", async () => {
    await server.rooms.createRoom({ name: `bar-${crypto.randomUUID()}` });
    const isThere = () => cook.jobs.some(({ offer }) => offer.callId.startsWith("bar-"));
    return await until("it comes", isThere, 1000).catch(() => false);
  });
  assertEquals(connections[0]!.state, "waiting", "the call went on");
  await feed.close();
});

serverTest(
  "an edge keeps its media process ready, so that no caller waits for it",
  async (server) => {
    await using edge = edgeOn(server.url);
    const ready = await edge.keepReady();
    const pid = edge.mediaProcessId;
    assertNotEquals(pid, undefined);
    const call = await edge.createCall("kitchen");
    const connection = await edge.join(new Listener({ id: "cook", name: "Cook" }), call);
    await connection.close();
    assertEquals(edge.mediaProcessId, pid, "it waits for the next call");
    await ready[Symbol.asyncDispose]();
    assertEquals(edge.mediaProcessId, undefined);

    const other = await edge.keepReady();
    assertNotEquals(edge.mediaProcessId, undefined);
    await edge.close();
    assertEquals(edge.mediaProcessId, undefined, "the edge was closed before");
    await other[Symbol.asyncDispose]();
  },
);

serverTest("a worker with a wrong key, and one without a server, say so", async (server) => {
  const cook = new TestWorker();
  await using wrong = new LiveKitEdge({ ...optionsFor(server.url), apiSecret: "x".repeat(40) });
  const { code } = await assertRejects(
    () => wrong.jobs().openJobs(cook, open),
    AuthenticationError,
  );
  assertEquals(code, "unauthorized");
  await using alone = edgeOn(`ws://127.0.0.1:${freePort()}`);
  const error = await assertRejects(() => alone.jobs().openJobs(cook, open), ConnectionError);
  assertEquals(error.code, "unreachable");
});
