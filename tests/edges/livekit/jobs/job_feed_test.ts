import {
  AgentDispatch,
  AvailabilityRequest,
  Job,
  JobAssignment,
  JobStatus,
  JobTermination,
  JobType,
  ParticipantInfo,
  ParticipantInfo_Kind,
  RegisterWorkerResponse,
  Room,
  ServerMessage,
  WorkerMessage,
} from "@livekit/protocol";
import { LiveKitEdge } from "@ringline/livekit";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AuthenticationError, ConnectionError } from "../../../../src/edge/errors.ts";
import { LiveKitJobFeed } from "../../../../src/edges/livekit/jobs/job_feed.ts";
import { AssignedCall } from "../../../../src/edges/livekit/jobs/assigned_call.ts";
import { MemoryEdge } from "../../../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";
import { RawSocket } from "../../../fixtures/raw_socket.ts";
import { declined, type TestJob, TestWorker } from "../../../fixtures/test_worker.ts";

/** A socket to a server that the test plays. */
class ServerSocket extends RawSocket {
  /** What was sent, decoded. */
  get requests(): WorkerMessage["message"][] {
    return this.sent.map((data) => WorkerMessage.fromBinary(data as Uint8Array).message);
  }

  say(message: ServerMessage["message"]): void {
    this.receive(new ServerMessage({ message }).toBinary());
  }

  override close(code = 1000): void {
    if (this.readyState !== WebSocket.CLOSED) this.end(code);
  }

  /** What was sent, but for signs of life and the load. */
  get said(): string[] {
    return this.requests.flatMap((message) => {
      if (message.case === "availability") {
        const { available, participantIdentity: identity } = message.value;
        return [available ? `takes as ${identity}` : "declines"];
      }
      return message.case === "updateJob" ? [JobStatus[message.value.status]] : [];
    });
  }
}

function job(id: string, more: Partial<Job> = {}): Job {
  const room = new Room({ name: "kitchen", sid: "RM_1" });
  return new Job({ id, dispatchId: "AD_1", room, agentName: "cook", ...more });
}

async function fixture(options: { urls?: string[] } = {}) {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock });
  const worker = new TestWorker();
  const sockets: { url: string; raw: ServerSocket }[] = [];
  const dispatches = new Set(["AD_1"]);
  const participants: ParticipantInfo[] = [];
  const stop = new AbortController();
  const opening = LiveKitJobFeed.open({
    worker,
    edge,
    agentName: "cook",
    kind: "room",
    signal: stop.signal,
    random: () => 0.5,
    urls: options.urls ?? ["ws://one", "ws://two"],
    dispatches: {
      list: () => Promise.resolve([...dispatches].map((id) => new AgentDispatch({ id }))),
      participants: () => Promise.resolve(participants),
    },
    createToken: () => Promise.resolve("token"),
    onServerTime: () => {},
    connect: (url) => {
      const raw = new ServerSocket();
      sockets.push({ url, raw });
      return raw;
    },
    fetch: () => Promise.reject(new TypeError("refused")),
  });
  opening.catch(() => {});
  await clock.advance(0);
  /** Registers the worker by its latest socket. */
  const register = async (): Promise<ServerSocket> => {
    const { raw } = sockets.at(-1)!;
    raw.open();
    await clock.advance(0);
    raw.say({ case: "register", value: new RegisterWorkerResponse({ workerId: "AW_1" }) });
    await clock.advance(0);
    return raw;
  };
  return { clock, edge, worker, sockets, dispatches, participants, stop, opening, register };
}

Deno.test("a job feed registers, takes a job, and tells the server how it ended", async () => {
  const { clock, worker, sockets, opening, register } = await fixture();
  const raw = await register();
  const feed = await opening;
  assertEquals(sockets.map(({ url }) => url), ["ws://one/agent?protocol=1"]);
  const [registration, load] = raw.requests;
  assertEquals(registration?.case === "register" && registration.value.agentName, "cook");
  assertEquals(load?.case === "updateWorker" && load.value.load, 0);

  const announced = job("AJ_1", { metadata: '{"table":7}' });
  raw.say({ case: "availability", value: new AvailabilityRequest({ job: announced }) });
  await clock.advance(0);
  raw.say({ case: "assignment", value: new JobAssignment({ job: announced }) });
  const [taken] = worker.jobs as [TestJob];
  const { id, callId, metadata } = taken.offer;
  assertEquals([id, callId, metadata], ["AJ_1", "kitchen", { table: 7 }]);
  assertEquals(taken.call instanceof AssignedCall && taken.call.seat, {
    identity: "agent-AJ_1",
    attributes: { "lk.agent_name": "cook" },
  });
  taken.finish("left");
  await clock.advance(0);
  assertEquals(raw.said, ["takes as agent-AJ_1", "JS_RUNNING", "JS_SUCCESS"]);
  await feed.close();
  assertEquals(clock.pending, 0);
});

Deno.test("a job feed answers in time, and keeps no place that is not confirmed", async () => {
  const { clock, worker, opening, register } = await fixture();
  const raw = await register();
  const feed = await opening;
  const announce = (id: string) =>
    raw.say({ case: "availability", value: new AvailabilityRequest({ job: job(id) }) });
  announce("AJ_1");
  await clock.advance(5000);
  assertEquals(worker.jobs[0]!.state, "released", "a place that the server does not confirm");
  raw.say({ case: "assignment", value: new JobAssignment({ job: job("AJ_1") }) });

  worker.answer = () => Promise.resolve(declined);
  announce("AJ_2");
  await clock.advance(0);

  const late = Promise.withResolvers<TestJob>();
  worker.answer = () => late.promise;
  announce("AJ_3");
  await clock.advance(8000);
  late.resolve(worker.jobs[2]!);
  await clock.advance(0);
  assertEquals(worker.jobs[2]!.state, "released", "an answer that comes too late");

  raw.say({ case: "availability", value: new AvailabilityRequest({ job: new Job() }) });
  await clock.advance(0);
  assertEquals(raw.said, [
    ...["takes as agent-AJ_1", "JS_FAILED", "declines", "declines", "declines"],
  ]);
  assertEquals(worker.reports, ["LiveKit's jobs: bad-message"]);
  await feed.close();
});

Deno.test("a job feed tells the load in the server's measure", async () => {
  const { opening, register, worker } = await fixture();
  const raw = await register();
  const feed = await opening;
  feed.update!({ ...worker.load, load: 0.5, calls: 5 });
  feed.update!({ ...worker.load, load: 1, calls: 10, declines: "calls" });
  const told = raw.requests.flatMap((message) =>
    message.case === "updateWorker" ? [message.value] : []
  );
  assertEquals(told.slice(1).map(({ status, load, jobCount }) => [status, load, jobCount]), [
    [0, Math.fround(0.35), 5],
    [1, Math.fround(0.7), 10],
  ]);
  await feed.close();
});

Deno.test("a job feed registers again on the next node, while calls go on", async () => {
  const { clock, worker, sockets, opening, register } = await fixture();
  const raw = await register();
  const feed = await opening;
  for (const id of ["AJ_1", "AJ_2"]) {
    raw.say({ case: "availability", value: new AvailabilityRequest({ job: job(id) }) });
  }
  await clock.advance(0);
  raw.say({ case: "assignment", value: new JobAssignment({ job: job("AJ_1") }) });
  raw.end(1006);
  await clock.advance(0);
  assertEquals(worker.jobs.map(({ state }) => state), ["running", "released"]);
  assertEquals(sockets.map(({ url }) => url.at(5)), ["o", "t"], "the next one, immediately");
  sockets.at(-1)!.raw.end(1006);
  await clock.advance(0);
  sockets.at(-1)!.raw.end(1006);
  await clock.advance(0);
  assertEquals(sockets.length, 3);
  await clock.advance(250);
  assertEquals(sockets.length, 4, "after a pause");
  const again = await register();
  assertEquals(again.requests.map((message) => message.case), ["register", "updateWorker"]);
  worker.jobs[0]!.finish("left");
  await clock.advance(0);
  assertEquals(again.said, ["JS_SUCCESS"]);
  assertEquals(worker.reports, ["LiveKit's jobs: lost", "LiveKit's jobs: unreachable"]);
  await feed.close();
  assertEquals(clock.pending, 0);
});

Deno.test("a job feed notices a server that is silent", async () => {
  const { clock, worker, sockets, opening, register } = await fixture();
  await register();
  const feed = await opening;
  await clock.advance(15_000);
  assertEquals([worker.reports, sockets.length], [["LiveKit's jobs: lost"], 2]);
  await feed.close();
});

Deno.test("a job feed ends a job whose dispatch is taken back, and no other", async () => {
  const { clock, worker, dispatches, opening, register } = await fixture();
  const raw = await register();
  const feed = await opening;
  const announced = job("AJ_1");
  raw.say({ case: "availability", value: new AvailabilityRequest({ job: announced }) });
  await clock.advance(0);
  raw.say({ case: "assignment", value: new JobAssignment({ job: announced }) });
  const terminate = async () => {
    raw.say({ case: "termination", value: new JobTermination({ jobId: "AJ_1" }) });
    await clock.advance(0);
    return worker.jobs[0]!.state;
  };
  assertEquals(await terminate(), "running", "the agent's participant was lost");
  dispatches.clear();
  assertEquals(await terminate(), "ended");
  await feed.close();
});

Deno.test("a job feed leaves a room whose node was lost to the agent that has come back", async () => {
  const { clock, worker, opening, register, participants, dispatches } = await fixture();
  const raw = await register();
  const feed = await opening;
  const announce = async (id: string, more?: Partial<Job>) => {
    const value = new AvailabilityRequest({ job: job(id, { agentName: "", ...more }) });
    raw.say({ case: "availability", value });
    await clock.advance(0);
  };
  const agent = (dispatch: string) =>
    new ParticipantInfo({
      kind: ParticipantInfo_Kind.AGENT,
      attributes: { "ringline.dispatch_id": dispatch },
    });
  dispatches.add("AD_2");
  participants.push(agent("AD_2"), new ParticipantInfo({ kind: ParticipantInfo_Kind.AGENT }));
  await announce("AJ_1");
  participants.push(agent("AD_0"));
  await announce("AJ_2");
  await announce("AJ_3", { agentName: "cook" });
  await announce("AJ_4", { type: JobType.JT_PARTICIPANT });
  dispatches.clear();
  await announce("AJ_5");
  assertEquals(raw.said, [
    "takes as agent-AJ_1",
    "declines",
    "takes as agent-AJ_3",
    "takes as agent-AJ_4",
    "takes as agent-AJ_5", // the server does not know its own dispatches yet
  ]);
  const [first] = worker.jobs as [TestJob];
  raw.say({
    case: "assignment",
    value: new JobAssignment({ job: job("AJ_1", { agentName: "" }) }),
  });
  assertEquals(first.call instanceof AssignedCall && first.call.seat.attributes, {
    "lk.agent_name": "",
    "ringline.dispatch_id": "AD_1",
  });
  await feed.close();
});

Deno.test("a job feed that no server takes is not opened", async () => {
  const { clock, sockets, opening } = await fixture();
  const failed = assertRejects(() => opening, ConnectionError, "no server responds at http://");
  sockets[0]!.raw.end(1006);
  await clock.advance(0);
  sockets[1]!.raw.end(1006);
  await clock.advance(0);
  assertEquals((await failed).code, "unreachable");
  assertEquals(clock.pending, 0);

  const closed = await fixture();
  closed.stop.abort(new DOMException("closed", "AbortError"));
  await assertRejects(() => closed.opening, DOMException, "closed");
  assertEquals(closed.clock.pending, 0);
});

Deno.test("LiveKitEdge.jobs needs the secret, and options that are valid", async () => {
  await using without = new LiveKitEdge({ url: "ws://one", token: () => "token" });
  const { code } = assertThrows(() => without.jobs(), AuthenticationError);
  assertEquals(code, "no-secret");
  await using edge = new LiveKitEdge({ url: "ws://one", apiKey: "key", apiSecret: "secret" });
  assertThrows(() => edge.jobs({ agentName: 7 as unknown as string }), TypeError, "agentName");
  assertThrows(() => edge.jobs({ kind: "call" as "room" }), TypeError, 'got "call"');
});
