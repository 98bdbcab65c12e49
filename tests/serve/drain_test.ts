/** How a worker stops: running calls finish, up to a limit, and then are said goodbye to. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { AcceptedJob } from "../../src/edge/jobs.ts";
import { Agent } from "../../src/agent/agent.ts";
import { tone } from "../../src/testing/sounds.ts";
import { type ProgramRuntime, runAsProgram } from "../../src/serve/program.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { AgentWorker } from "../../src/serve/agent_worker.ts";
import { checkWorkerLimits } from "../../src/serve/limits.ts";
import { serve } from "../../src/serve/serve.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { plainAgent, TestSource, WorkerFixture } from "./_fixture.ts";

Deno.test("AgentWorker.drain takes no more jobs and waits for the calls, and says how many", async () => {
  await using fixture = await WorkerFixture.start();
  const { worker, edge, clock, source } = fixture;
  await fixture.start("kitchen");
  await fixture.start("hall");
  fixture.enterAll();
  fixture.log.length = 0;
  const drained = worker.drain({ timeoutMs: 60_000 });
  assertEquals(worker.drain(), drained, "it is drained once");
  const answer = await fixture.offer("late");
  assertEquals(!answer.accepted && answer.message, "the worker is stopping: it takes no more jobs");
  assertEquals(source.loads.at(-1)?.declines, "draining");
  await clock.advance(5000);
  for (const { call } of edge.connections) {
    await edge.endCall(call);
    await clock.advance(0);
  }
  await clock.until(drained);
  assertEquals(fixture.log, [
    "draining: 2 for 60000",
    "late declined: draining",
    "draining: 2 for 55000",
    "kitchen call-ended",
    "draining: 1 for 55000",
    "hall call-ended",
    "draining: 0 for 55000",
  ]);
  assertEquals([source.steps, worker.state], [["drain", "close"], "closed"]);
  await worker.closed;
  assertEquals(clock.pending, 0);
});

Deno.test("AgentWorker.drain says goodbye in calls that are left, within a limit, and closes", async () => {
  const agents = new Map<string, Agent>();
  const goodbyes: string[] = [];
  await using fixture = await WorkerFixture.start({
    agent: ({ edge, callId }) => {
      const agent = new Agent({ edge, agentUser: { id: callId, name: "Agent" } });
      agents.set(callId, agent);
      return agent;
    },
    limits: { drainMs: 20_000, goodbyeMs: 3000 },
    goodbye: async (agent, { callId }) => {
      goodbyes.push(`${callId} at ${fixture.clock.now()}`);
      if (callId === "throws") throw new Error("no words");
      if (callId === "hangs") await new Promise(() => {});
      if (callId === "talks") await agent.audio.write(tone(1000));
    },
  });
  const { worker, clock } = fixture;
  for (const callId of ["talks", "throws", "hangs"]) await fixture.start(callId);
  fixture.enterAll();
  const begun = clock.now();
  await clock.until(worker.drain());
  assertEquals(goodbyes, ["talks", "throws", "hangs"].map((id) => `${id} at ${begun + 20_000}`));
  assertEquals(clock.now() - begun, 23_000);
  assertEquals(agents.get("talks")!.audio.playedMs, 1000, "its words were heard to the end");
  assertEquals(fixture.joined, []);
  assertEquals(fixture.errors, [
    "saying goodbye in throws: Error: no words",
    "saying goodbye in hangs: TimeoutError: the goodbye of hangs did not happen within 3000 ms",
  ]);
});

Deno.test("AgentWorker.drain does not wait for people who have left", async () => {
  await using fixture = await WorkerFixture.start();
  const { worker, clock, edge } = fixture;
  await fixture.start("kitchen");
  await fixture.start("hall");
  const [kitchen] = [...edge.connections].map(({ call }) => edge.enter(call, { userId: "anna" }));
  await fixture.start("empty");
  const drained = worker.drain();
  await clock.advance(10_000);
  assertEquals(fixture.joined, ["empty", "hall", "kitchen"]);
  await clock.advance(6000);
  assertEquals(fixture.joined, ["hall", "kitchen"]);
  kitchen!.leave();
  await clock.advance(4000);
  assertEquals(fixture.joined, ["hall"]);
  for (const { call } of edge.connections) await edge.endCall(call);
  await clock.until(drained);
});

Deno.test("AgentWorker.drain waits for a job that has a place, and runs it", async () => {
  await using fixture = await WorkerFixture.start();
  const { worker, clock } = fixture;
  const place = await fixture.offer("kitchen") as AcceptedJob;
  const drained = worker.drain();
  await clock.advance(1000);
  const run = place.start();
  await clock.advance(1000);
  assertEquals(fixture.joined, ["kitchen"]);
  await clock.until(run.end());
  await clock.until(drained);
});

Deno.test("AgentWorker.drain reaches a source that opens only then", async () => {
  const clock = new VirtualClock();
  const opened = Promise.withResolvers<void>();
  const late = new TestSource();
  const early = new TestSource();
  const place = Promise.withResolvers<AcceptedJob>();
  await using edge = new MemoryEdge({ clock, logger: silentLogger });
  const worker = new AgentWorker({
    agent: plainAgent,
    sources: [
      early,
      { openJobs: (worker) => opened.promise.then(() => late.openJobs(worker)) },
      {
        async openJobs(worker) {
          place.resolve(await worker.offer({ id: "1", edge, callId: "kitchen" }) as AcceptedJob);
          return { close() {} };
        },
      },
    ],
    limits: checkWorkerLimits(),
    measure: () => ({ cpu: undefined, memory: undefined }),
    clock,
    logger: silentLogger,
  });
  const open = worker.open();
  const accepted = await clock.until(place.promise);
  const drained = worker.drain();
  assertEquals([early.steps, late.steps], [["drain"], []]);
  opened.resolve();
  await clock.until(open);
  assertEquals([late.steps, worker.state], [["drain"], "draining"]);
  accepted.release();
  await clock.until(drained);
  assertEquals(late.steps, ["drain", "close"]);
});

Deno.test("AgentWorker.close during a drain ends the calls immediately", async () => {
  await using fixture = await WorkerFixture.start();
  await fixture.start("kitchen");
  const place = await fixture.offer("hall") as AcceptedJob;
  const drained = fixture.worker.drain();
  const now = fixture.clock.now();
  await fixture.clock.until(fixture.worker.close());
  await fixture.clock.until(drained);
  assertEquals(fixture.clock.now(), now);
  assertEquals(await fixture.clock.until(place.start().ended), {
    status: "finished",
    reason: "aborted",
  });
  assertEquals(fixture.joined, []);
});

/** A program's runtime that a test plays. */
class TestRuntime implements ProgramRuntime {
  readonly signals = new Map<string, () => void>();
  readonly lines: string[] = [];
  readonly exits: number[] = [];
  uncaught: ((error: unknown) => void) | undefined;
  exitCode = 0;
  afterwardsMs: number | undefined;
  atLast: (() => void) | undefined;

  onSignal(signal: Deno.Signal, act: () => void): Disposable {
    this.signals.set(signal, act);
    return { [Symbol.dispose]: () => this.signals.delete(signal) };
  }
  onUncaught(act: (error: unknown) => void): Disposable {
    this.uncaught = act;
    return { [Symbol.dispose]: () => this.uncaught = undefined };
  }
  print(line: string): void {
    this.lines.push(line);
  }
  exit(code: number): void {
    this.exits.push(code);
  }
  afterwards(act: () => void, ms: number): Disposable {
    this.afterwardsMs = ms;
    this.atLast = act;
    return { [Symbol.dispose]: () => this.atLast = undefined };
  }
}

Deno.test("a worker as a program drains on a signal, and leaves with 0", async () => {
  await using fixture = await WorkerFixture.start();
  const { worker, clock, edge } = fixture;
  const runtime = new TestRuntime();
  const program = runAsProgram(worker, runtime);
  await fixture.start("kitchen");
  fixture.enterAll();
  assertEquals([...runtime.signals.keys()], ["SIGINT", "SIGTERM"]);
  runtime.signals.get("SIGTERM")!();
  await clock.advance(5000);
  assertEquals([program.isStopping, runtime.exits], [true, []]);
  for (const { call } of edge.connections) await edge.endCall(call);
  await clock.advance(1000);
  assertEquals(runtime.lines, [
    "SIGTERM: taking no more jobs (a second signal ends the program immediately)",
    "stopping: 1 call goes on, for 600 s at most",
    "stopping: 1 call goes on, for 595 s at most",
    "stopping: 0 calls go on",
  ]);
  assertEquals([runtime.exitCode, runtime.exits, runtime.signals.size], [0, [], 0]);
  assert(runtime.afterwardsMs! > 0, "a program that something keeps running is ended");
});

Deno.test("a worker as a program ends immediately on a second signal, with the signal's code", async () => {
  await using fixture = await WorkerFixture.start();
  const runtime = new TestRuntime();
  using _program = runAsProgram(fixture.worker, runtime);
  await fixture.start("kitchen");
  runtime.signals.get("SIGTERM")!();
  runtime.signals.get("SIGTERM")!();
  runtime.signals.get("SIGINT")!();
  assertEquals(runtime.exits, [143, 130]);
});

Deno.test("a worker as a program survives an uncaught error, and ends the job that it came from", async () => {
  const runtime = new TestRuntime();
  const thrower = Promise.withResolvers<void>();
  await using fixture = await WorkerFixture.start({
    agent: ({ edge, callId }) => {
      // What a tool or a timer of an application does; the test plays the runtime's report of it.
      if (callId === "throws") {
        void thrower.promise.then(() => runtime.uncaught!(new Error("in a tool")));
      }
      return new Agent({ edge, agentUser: { id: "agent", name: "Agent" } });
    },
  });
  using _program = runAsProgram(fixture.worker, runtime);
  await fixture.start("good");
  await fixture.start("throws");
  runtime.uncaught!(new Error("of no job"));
  thrower.resolve();
  await fixture.clock.advance(1000);
  assertEquals(fixture.joined, ["good"]);
  assertEquals(fixture.log.at(-1), "throws failed: Error: in a tool");
  assertEquals(fixture.errors, [
    "an uncaught error: Error: of no job",
    "the agent of throws: Error: in a tool",
  ]);
});

Deno.test("a worker as a program keeps an exit code, and ends only what a signal has stopped", async () => {
  for (const isSignalled of [false, true]) {
    await using fixture = await WorkerFixture.start();
    const runtime = new TestRuntime();
    const program = runAsProgram(fixture.worker, runtime);
    runtime.exitCode = 3;
    if (isSignalled) runtime.signals.get("SIGTERM")!();
    else void fixture.worker.close();
    await fixture.clock.until(fixture.worker.closed);
    assertEquals([runtime.signals.size, runtime.atLast !== undefined], [0, isSignalled]);
    runtime.atLast?.();
    assertEquals(runtime.exits, isSignalled ? [3] : []);
    program[Symbol.dispose]();
    assertEquals(runtime.atLast, undefined, "disposed, it ends nothing");
  }
});

Deno.test("a worker as a program names no time where its drain has no limit", async () => {
  await using fixture = await WorkerFixture.start({ limits: { drainMs: Infinity } });
  const runtime = new TestRuntime();
  using _program = runAsProgram(fixture.worker, runtime);
  await fixture.start("kitchen");
  runtime.signals.get("SIGTERM")!();
  await fixture.clock.advance(1);
  assertEquals(runtime.lines.at(-1), "stopping: 1 call goes on");
});

Deno.test("serve leaves a program as it was when it fails, so that it can try again", async () => {
  await using fixture = await WorkerFixture.start();
  const { clock } = fixture;
  const failing = { openJobs: () => Promise.reject(new Error("no dispatcher")) };
  Deno.exitCode = 3;
  try {
    // What it left behind, a timer too, the runner would find.
    await assertRejects(
      () => serve({ agent: plainAgent, sources: [failing], clock, isProgram: true }),
      Error,
      "no dispatcher",
    );
    assertEquals(Deno.exitCode, 3);
  } finally {
    Deno.exitCode = 0;
  }
});
