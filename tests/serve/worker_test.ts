/** What a worker takes on, and what a job that fails does to the others. */
import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Agent } from "../../src/agent/agent.ts";
import { ClosedError, EdgeError } from "../../src/edge/errors.ts";
import type { AcceptedJob } from "../../src/edge/jobs.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { serve } from "../../src/serve/serve.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { plainAgent, WorkerFixture } from "./_fixture.ts";

Deno.test("AgentWorker runs an agent for each job, with what its source says of it", async () => {
  const seen: unknown[] = [];
  await using fixture = await WorkerFixture.start({
    agent: (job) => {
      const { callId, callType, user, metadata, original } = job;
      seen.push({ callId, callType, user, metadata, original });
      return plainAgent(job);
    },
  });
  const { worker, edge } = fixture;
  await fixture.start("kitchen");
  const user = { id: "anna", name: "Anna" };
  const answer = await fixture.offer("hall", {
    user,
    metadata: { table: 4 },
    callType: "phone",
    original: "x",
  }) as AcceptedJob;
  const run = answer.start();
  await fixture.clock.advance(100);
  assertEquals(fixture.joined, ["hall", "kitchen"]);
  const nothing = { user: undefined, metadata: null, original: undefined };
  assertEquals(seen, [
    { callId: "kitchen", callType: "default", ...nothing },
    { callId: "hall", callType: "phone", user, metadata: { table: 4 }, original: "x" },
  ]);
  assertEquals([...worker.jobs.keys()], ["kitchen", "hall"]);
  const [connection] = edge.connections;
  await fixture.clock.until(edge.endCall(connection!.call));
  assertEquals(await fixture.clock.until(run.end()), { status: "finished", reason: "left" });
  await fixture.clock.advance(10);
  assertEquals(fixture.log, [
    ...["kitchen started", "hall started", "kitchen call-ended", "hall left"],
  ]);
  assertEquals([worker.load.calls, fixture.errors], [0, []]);
});

Deno.test("AgentWorker declines what exceeds a limit, and tells its sources of each change", async () => {
  await using fixture = await WorkerFixture.start({ limits: { calls: 2, cpu: 0.8, memory: 0.8 } });
  const { source, worker, use, clock } = fixture;
  const reason = async (callId: string) => {
    const answer = await fixture.offer(callId);
    return answer.accepted ? (answer.release(), "accepted") : answer.reason;
  };
  await fixture.start("a");
  assertEquals(worker.load.load, 0.5);
  const place = await fixture.offer("b") as AcceptedJob;
  assertEquals(await reason("c"), "calls", "a place counts as a call");
  place.release();
  place.release();
  assertEquals(await reason("c"), "accepted");
  assertEquals(await reason("a"), "duplicate");
  use.cpu = 0.81;
  await clock.advance(2500);
  assertEquals([await reason("c"), worker.load.load], ["cpu", 1]);
  Object.assign(use, { cpu: 0.8, memory: 0.9 });
  await clock.advance(2500);
  assertEquals(await reason("c"), "memory");
  Object.assign(use, { cpu: undefined, memory: undefined });
  await clock.advance(2500);
  assertEquals(await reason("c"), "accepted", "what cannot be measured limits nothing");
  const told = source.loads.map(({ calls, declines }) => `${calls} ${declines ?? "accepts"}`);
  assertEquals(told, [
    // Open; a has a place, and runs; b has one; c for a moment; then at intervals.
    ...["0 accepts", "1 accepts", "2 calls", "1 accepts", "2 calls", "1 accepts"],
    ...["1 cpu", "1 memory", "1 accepts", "2 calls", "1 accepts"],
  ]);
});

Deno.test("AgentWorker asks the application, and keeps the place meanwhile", async () => {
  const asked: string[] = [];
  await using fixture = await WorkerFixture.start({
    limits: { calls: 1 },
    accept: async ({ callId }) => {
      asked.push(callId);
      await Promise.resolve();
      if (callId === "throws") throw new Error("no database");
      if (callId === "hangs") await new Promise(() => {});
      return callId === "yes" ? true : callId === "wrong" ? "yes" as never : false;
    },
  });
  const { edge, source, clock, errors } = fixture;
  const first = source.worker.offer({ id: "1", edge, callId: "yes" });
  assertEquals((await fixture.offer("yes")).accepted, false, "one place, which is taken");
  const accepted = await first as AcceptedJob;
  accepted.release();
  for (const callId of ["no", "wrong", "throws", "hangs"]) {
    const answer = await fixture.offer(callId);
    assertEquals(!answer.accepted && answer.reason, "application", callId);
  }
  assertEquals(asked, ["yes", "no", "wrong", "throws", "hangs"]);
  assertEquals(clock.now(), 5000);
  assertEquals(errors, [
    'accept of wrong: TypeError: accept: expected true or false, got "yes"',
    "accept of throws: Error: no database",
    "accept of hangs: TimeoutError: the answer of accept did not happen within 5000 ms",
  ]);
  assertEquals(fixture.worker.load.calls, 0);
});

Deno.test("AgentWorker lets a job that fails end alone", async () => {
  await using fixture = await WorkerFixture.start({
    agent: (job) => {
      const { callId, edge } = job;
      if (callId === "throws") throw new Error("no key");
      if (callId === "hangs") return new Promise(() => {});
      if (callId === "nothing") return undefined as never;
      if (callId === "elsewhere") return plainAgent({ ...job, edge: new MemoryEdge() });
      const start = () => Promise.reject(new Error("no model"));
      if (callId === "processor") {
        const processors = [{ name: "broken", start }];
        return new Agent({ edge, agentUser: { id: "agent", name: "Agent" }, processors });
      }
      return plainAgent(job);
    },
  });
  const good = await fixture.start("good");
  for (const callId of ["throws", "hangs", "nothing", "elsewhere", "processor"]) {
    await fixture.start(callId);
  }
  await fixture.clock.advance(30_000);
  assertEquals(fixture.log.filter((line) => line.includes("failed")), [
    "throws failed: Error: no key",
    "nothing failed: TypeError: agent: expected a function that returns an Agent, got undefined",
    "elsewhere failed: TypeError: agent: expected an Agent of job.edge, got one of another edge",
    "processor failed: Error: no model",
    "hangs failed: TimeoutError: creating the agent did not happen within 30000 ms",
  ]);
  assertEquals(fixture.errors.length, 5);
  assertEquals(fixture.joined, ["good"]);
  assertEquals((await fixture.clock.until(good.end())).status, "finished");
});

Deno.test("AgentWorker closes an agent that is created after its job has ended", async () => {
  const late = Promise.withResolvers<Agent>();
  let agent!: Agent;
  await using fixture = await WorkerFixture.start({
    agent: (job) => {
      agent = plainAgent(job);
      return late.promise;
    },
  });
  const run = await fixture.start("kitchen");
  assertEquals(await fixture.clock.until(run.end()), { status: "finished", reason: "aborted" });
  late.resolve(agent);
  await fixture.clock.advance(10);
  const call = await fixture.edge.createCall("kitchen");
  await assertRejects(() => agent.join(call), ClosedError, "the agent is closed");
});

Deno.test("AgentWorker leaves a call without a person, and one that lasts too long", async () => {
  await using fixture = await WorkerFixture.start({ limits: { idleMs: 5000, callMs: 60_000 } });
  await fixture.start("alone");
  await fixture.start("watched");
  const watched = [...fixture.edge.connections].find(({ call }) => call.id === "watched")!;
  const anna = fixture.edge.enter(watched.call, { userId: "anna" });
  await fixture.clock.advance(5000);
  assertEquals(fixture.joined, ["watched"]);
  await fixture.clock.advance(60_000);
  assertEquals([fixture.joined, anna.participant.userId], [[], "anna"]);
});

Deno.test("AgentWorker leaves a call whose agent joins only with a person, when none comes", async () => {
  for (const limits of [{ idleMs: 5000 }, { callMs: 5000, idleMs: Infinity }]) {
    await using fixture = await WorkerFixture.start({
      limits,
      join: { participantWaitTimeoutMs: Infinity },
    });
    await fixture.start("alone");
    await fixture.clock.advance(4800);
    assertEquals(fixture.joined, ["alone"]);
    await fixture.clock.advance(200);
    assertEquals([fixture.joined, fixture.log.at(-1)], [[], "alone left"]);
  }
});

Deno.test("AgentWorker logs once a minute that a limit declines jobs", async () => {
  const lines: string[] = [];
  await using fixture = await WorkerFixture.start({
    accept: () => false,
    logger: { ...silentLogger, warn: (line: string) => void lines.push(line) },
  });
  const { clock, use } = fixture;
  await fixture.offer("unwanted");
  use.cpu = 0.95;
  await clock.advance(2500);
  for (const callId of ["a", "b"]) await fixture.offer(callId);
  assertEquals(lines, [
    "a job was declined: 95 % of the CPU is in use: raise limits.cpu, or start another worker",
  ]);
  use.cpu = 0;
  use.memory = 0.95;
  await clock.advance(2500);
  await fixture.offer("c");
  assertEquals(lines.length, 2);
  use.memory = 0.1;
  use.cpu = 0.95;
  await clock.advance(60_000);
  await fixture.offer("d");
  assertEquals(lines.length, 3);
});

Deno.test("AgentWorker.start runs a job that no source has announced, or says why it does not", async () => {
  await using fixture = await WorkerFixture.start({ limits: { calls: 1 } });
  const { worker, edge, clock } = fixture;
  const run = await clock.until(worker.start({ edge, callId: "kitchen" }));
  const full = await assertRejects(
    () => worker.start({ edge, callId: "hall" }),
    EdgeError,
    "the worker has 1 call: raise limits.calls",
  );
  assertEquals([full.code, full.retryable], ["worker-calls", true]);
  for (const wrong of [{ edge, callId: "" }, { callId: "x" }, { edge, callId: "x", user: {} }]) {
    await assertRejects(() => worker.start(wrong as never), TypeError, "job.");
  }
  assertEquals(await clock.until(worker.end([...worker.jobs.keys()][0]!)), await run.ended);
  assertEquals(await worker.end("none"), undefined);
});

Deno.test("AgentWorker uses a place once, and not for another offer of the same id", async () => {
  await using fixture = await WorkerFixture.start();
  const { clock, worker } = fixture;
  const first = await fixture.offer("kitchen") as AcceptedJob;
  first.release();
  const second = await fixture.offer("kitchen") as AcceptedJob;
  first.release();
  assertEquals(worker.load.calls, 1, "a second release frees no other's place");
  const outcome = await clock.until(first.start().ended);
  assertEquals(outcome.status === "failed" && (outcome.error as EdgeError).code, "worker-released");
  assertEquals([worker.jobs.size, worker.load.calls], [0, 1]);
  const run = second.start();
  assertEquals([second.start(), worker.jobs.size], [run, 1]);
  second.release();
  assertEquals(worker.load.calls, 1);
});

Deno.test("AgentWorker frees a place that its source has forgotten, and drains then", async () => {
  await using fixture = await WorkerFixture.start({ limits: { calls: 1 } });
  const { clock, worker, errors } = fixture;
  const forgotten = await fixture.offer("kitchen") as AcceptedJob;
  await clock.advance(29_999);
  assertEquals(worker.load.calls, 1);
  await clock.advance(1);
  assertEquals([worker.load.calls, errors], [0, [
    "the place of kitchen: Error: no start and no release within 30000 ms",
  ]]);
  assertEquals((await clock.until(forgotten.start().ended)).status, "failed");
  await fixture.offer("hall");
  const begun = clock.now();
  await clock.until(worker.drain());
  assertEquals(clock.now() - begun, 30_000);
  assertEquals(clock.pending, 0);
});

Deno.test("AgentWorker closes what it has opened when one of its sources fails", async () => {
  const { source, clock, edge } = await WorkerFixture.start();
  const failing = { openJobs: () => Promise.reject(new Error("no dispatcher")) };
  const options = { agent: plainAgent, clock, logger: silentLogger, measure: () => NOTHING };
  source.steps.length = 0;
  const served = serve({ ...options, sources: [source, failing] });
  await assertRejects(() => clock.until(served), Error, "no dispatcher");
  assertEquals(source.steps, ["close"]);
  const answer = await clock.until(source.worker.offer({ id: "1", edge, callId: "x" }));
  assertEquals(!answer.accepted && answer.reason, "draining");
});

const NOTHING = { cpu: undefined, memory: undefined };

Deno.test("AgentWorker survives sources and measures that throw", async () => {
  let measured = 0;
  const source = {
    openJobs: () => Promise.resolve({ update: fail, drain: fail, close: fail }),
  };
  await using fixture = await WorkerFixture.start({
    sources: [source],
    measure: () => measured++ < 1 ? NOTHING : fail(),
  });
  const { clock, worker, errors } = fixture;
  await clock.advance(2500);
  await clock.until(worker.drain());
  assertEquals(errors, [
    "measuring the load: Error: broken",
    "telling a source of the load: Error: broken",
    "telling a source of the load: Error: broken",
    "stopping a source: Error: broken",
    "closing a source: Error: broken",
  ]);
});

function fail(): never {
  throw new Error("broken");
}

Deno.test("serve names a wrong option", async () => {
  const agent = plainAgent;
  const wrong: [unknown, string][] = [
    [{}, "agent: expected a function, got undefined"],
    [{ agent, sources: "x" }, "sources: expected a list like [edge]"],
    [{ agent, sources: [{}] }, "sources[0]: expected a JobSource"],
    [{ agent, limits: { calls: 0 } }, "limits.calls: expected a whole number from 1 on, got 0"],
    [
      { agent, limits: { cpu: 80 } },
      "limits.cpu: expected more than 0 and at most 1, got 80: 0.8 is 80 %",
    ],
    [{ agent, limits: { drainMs: -1 } }, "limits.drainMs: expected a number of milliseconds"],
    [{ agent, limits: { drain: 1 } }, "limits: expected only calls,"],
    [{ agent, source: [] }, "options: expected only agent, sources,"],
    [{ agent, accept: true }, "accept: expected a function, got true"],
  ];
  for (const [options, message] of wrong) {
    await assertRejects(() => serve(options as never), Error, message);
  }
});

Deno.test("AgentWorker never has more calls than its limit, and tells no other number", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("offer"), id: fc.nat(9) }),
    fc.record({ do: fc.constantFrom("start", "release", "end"), id: fc.nat(9) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step), async (calls, steps) => {
      await using fixture = await WorkerFixture.start({ limits: { calls } });
      const { worker, source, clock } = fixture;
      const places = new Map<number, AcceptedJob>();
      const running = new Set<number>();
      for (const { do: act, id } of steps) {
        const place = places.get(id);
        if (act === "offer") {
          const answer = await fixture.offer(`${id}`);
          const fits = places.size + running.size < calls && !place && !running.has(id);
          assertEquals(answer.accepted, fits);
          if (answer.accepted) places.set(id, answer);
        } else if (act === "end") {
          await clock.until(worker.end(`${id}`));
          running.delete(id);
        } else if (place) {
          places.delete(id);
          if (act === "start") {
            place.start();
            running.add(id);
          } else place.release();
        }
        assertEquals(worker.load.calls, places.size + running.size);
        assertEquals(source.loads.at(-1)?.calls, worker.load.calls);
      }
    }),
    { seed: 18, numRuns: 50 },
  );
});
