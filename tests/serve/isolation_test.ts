import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AuthenticationError, EdgeError } from "../../src/edge/errors.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { BEAT_MS } from "../../src/events/heartbeat.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { AgentWorker, type JobRequest } from "../../src/serve/agent_worker.ts";
import { WorkerControl } from "../../src/serve/control/control.ts";
import { AgentJoinedEvent } from "../../src/serve/events.ts";
import { checkIsolation, claimModule } from "../../src/serve/isolation/check_isolation.ts";
import type { FromAgent, ToAgent } from "../../src/serve/isolation/messages.ts";
import {
  fromFailureData,
  fromOutcomeData,
  readFromAgent,
  toFailureData,
  toOutcomeData,
} from "../../src/serve/isolation/messages.ts";
import { type AgentChild, passedPermissions } from "../../src/serve/isolation/spawn_agent.ts";
import type { CallStatus } from "../../src/serve/job.ts";
import { checkWorkerLimits } from "../../src/serve/limits.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { plainAgent } from "./_fixture.ts";

/** A process that does what a test says. */
class FakeProcess implements AgentChild {
  readonly pid = 1;
  readonly command = "deno run --allow-env agent.ts";
  readonly sent: ToAgent[] = [];
  readonly #ended = Promise.withResolvers<string>();
  readonly ended = this.#ended.promise;
  isKilled = false;
  #hasEnded = false;
  /** Whether it says that it is alive, and does as it is told. */
  isObedient = true;
  rssBytes = 100;
  call: CallStatus | undefined;

  constructor(readonly say: (message: FromAgent) => void, readonly clock: VirtualClock) {}

  send(message: ToAgent): void {
    this.sent.push(message);
    if (!this.isObedient) return;
    if (message.type === "job") this.#beat();
    if (message.type === "exit") this.exit("exit code 0");
    if (message.type === "end" || message.type === "goodbye") {
      this.say({ type: "ended", outcome: { status: "finished", reason: "left" } });
    }
  }

  #beat(): void {
    if (!this.isObedient || this.#hasEnded) return;
    this.say({ type: "alive", rssBytes: this.rssBytes, call: this.call });
    this.clock.schedule(() => this.#beat(), BEAT_MS);
  }

  kill(): void {
    this.isKilled = true;
    this.exit("SIGKILL");
  }

  exit(how: string): void {
    this.#hasEnded = true;
    this.#ended.resolve(how);
  }
}

class Fixture implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly edge = new MemoryEdge({ clock: this.clock, logger: silentLogger });
  readonly processes: FakeProcess[] = [];
  readonly reports: string[] = [];
  readonly joined: unknown[] = [];
  readonly worker: AgentWorker;
  /** What a process does when it is started. */
  onStart = (process: FakeProcess): void => process.say({ type: "ready", edges: 1 });

  constructor({ spares = 0, onStart }: { spares?: number; onStart?: Fixture["onStart"] } = {}) {
    if (onStart) this.onStart = onStart;
    this.worker = new AgentWorker({
      agent: plainAgent,
      limits: checkWorkerLimits({ stuckMs: 3000, agentMemoryBytes: 1000, goodbyeMs: 2000 }),
      measure: () => ({ cpu: 0, memory: 0 }),
      clock: this.clock,
      logger: silentLogger,
      processes: {
        spares,
        edges: [this.edge],
        spawn: (onMessage) => {
          const process = new FakeProcess(onMessage, this.clock);
          this.processes.push(process);
          queueMicrotask(() => this.onStart(process));
          return process;
        },
      },
    });
    this.worker.events.subscribe(ErrorEvent, ({ error, context }) => {
      this.reports.push(`${context}: ${(error as Error).message}`);
    });
    this.worker.events.subscribe(AgentJoinedEvent, ({ agent }) => void this.joined.push(agent));
  }

  static async open(options?: ConstructorParameters<typeof Fixture>[0]): Promise<Fixture> {
    const fixture = new Fixture(options);
    await fixture.clock.until(fixture.worker.open());
    return fixture;
  }

  /** Starts a job; resolves when its process has it. */
  async start(id = "1", more: Partial<JobRequest> = {}) {
    const job = await this.worker.start({
      id,
      edge: this.edge,
      callId: "kitchen",
      metadata: { a: 1 },
      ...more,
    });
    await this.clock.until(Promise.resolve());
    await this.clock.advance(1);
    return job;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clock.until(this.worker.close());
    await this.edge.close();
  }
}

function codeOf(outcome: unknown): string | undefined {
  return (outcome as { error?: { code?: string } }).error?.code;
}

Deno.test("a job in a process is told to it, and ends as it says", async () => {
  await using fixture = await Fixture.open();
  const job = await fixture.start();
  const [process] = fixture.processes;
  assertEquals(process!.sent[0], {
    type: "job",
    job: { offer: { id: "1", callId: "kitchen", metadata: { a: 1 } }, edge: 0 },
  });
  process!.say({ type: "joined" });
  process!.say({ type: "error", context: "a hook", error: { name: "Error", message: "no" } });
  process!.say({ type: "ended", outcome: { status: "finished", reason: "left" } });
  assertEquals(await fixture.clock.until(job.ended), { status: "finished", reason: "left" });
  assertEquals([fixture.joined, fixture.reports], [[undefined], ["a hook: no"]]);
  assertEquals(process!.isKilled, false);
});

Deno.test("a service's own object that is no JSON stays behind, and the call goes on", async () => {
  await using fixture = await Fixture.open();
  await fixture.start("1", { original: { size: 1n } });
  assertEquals(fixture.processes[0]!.sent[0], {
    type: "job",
    job: { offer: { id: "1", callId: "kitchen", metadata: { a: 1 } }, edge: 0 },
  });
  const text = "job.original of kitchen, which its agent's process does not get: ";
  assertEquals(fixture.reports.map((report) => report.startsWith(text)), [true]);
});

Deno.test("a job that is no JSON fails, and leaves no process", async () => {
  await using fixture = await Fixture.open();
  const job = await fixture.start("1", { metadata: 1n as never });
  assertEquals((await fixture.clock.until(job.ended)).status, "failed");
  assertEquals(fixture.processes[0]!.isKilled, true);
});

Deno.test("a worker's control shows the calls of processes, and how fast their agents reply", async () => {
  await using fixture = await Fixture.open();
  const control = new WorkerControl(fixture.worker, { token: "t".repeat(32) });
  const ask = async (path: string) => {
    const headers = { authorization: `Bearer ${"t".repeat(32)}` };
    return await (await control.fetch(new Request(`http://127.0.0.1${path}`, { headers }))).text();
  };
  await fixture.start();
  const { state, participants } = JSON.parse(await ask("/calls/1"));
  assertEquals([state, participants], ["establishing", 0]);
  const [process] = fixture.processes;
  process!.call = { state: "active", participants: 2, isLonely: false };
  await fixture.clock.advance(BEAT_MS);
  const active = JSON.parse(await ask("/calls/1"));
  assertEquals([active.state, active.participants], ["active", 2]);
  for (const voiceToVoiceMs of [700, 900]) process!.say({ type: "replied", voiceToVoiceMs });
  assert(/^ringline_reply_latency_seconds_sum 1.6$/m.test(await ask("/metrics")));
  assert(/^ringline_reply_latency_seconds_count 2$/m.test(await ask("/metrics")));
});

Deno.test("an agent joins once, whatever else its process says", async () => {
  await using fixture = await Fixture.open();
  await fixture.start();
  for (let n = 0; n < 2; n++) fixture.processes[0]!.say({ type: "joined" });
  assertEquals(fixture.joined.length, 1);
});

Deno.test("a process without an end is ended, and its job has failed", async () => {
  await using fixture = await Fixture.open();
  const job = await fixture.start();
  const [process] = fixture.processes;
  await fixture.clock.advance(5000);
  assertEquals(process!.isKilled, false);
  process!.isObedient = false;
  const outcome = await fixture.clock.until(job.ended);
  assertEquals([codeOf(outcome), process!.isKilled], ["agent-stuck", true]);
});

Deno.test("a process that leaks is ended, and its job has failed", async () => {
  await using fixture = await Fixture.open();
  const job = await fixture.start();
  const [process] = fixture.processes;
  process!.rssBytes = 1001;
  const outcome = await fixture.clock.until(job.ended);
  assertEquals([codeOf(outcome), process!.isKilled], ["agent-memory", true]);
});

Deno.test("a job fails with its process, alone", async () => {
  await using fixture = await Fixture.open();
  const [first, second] = [await fixture.start("1"), await fixture.start("2")];
  fixture.processes[0]!.exit("SIGSEGV");
  assertEquals(codeOf(await fixture.clock.until(first.ended)), "agent-process-ended");
  assertEquals(fixture.worker.load.calls, 1);
  assertEquals(await fixture.clock.until(second.end()), { status: "finished", reason: "left" });
});

Deno.test("an agent that does not leave when it is told to is ended", async () => {
  await using fixture = await Fixture.open();
  const job = await fixture.start();
  const [process] = fixture.processes;
  process!.isObedient = false;
  assertEquals(await fixture.clock.until(job.end()), { status: "finished", reason: "aborted" });
  assertEquals(process!.isKilled, true);
});

Deno.test("a draining worker lets its agents say goodbye, and those that are alone leave", async () => {
  await using fixture = await Fixture.open();
  await fixture.start("1");
  await fixture.start("2");
  fixture.processes[0]!.call = { state: "idle", participants: 0, isLonely: true };
  await fixture.clock.advance(BEAT_MS);
  await fixture.clock.until(fixture.worker.drain({ timeoutMs: 5000 }));
  const told = fixture.processes.map(({ sent }) =>
    sent.map(({ type }) => type).filter((type) => type === "end" || type === "goodbye")
  );
  assertEquals(told, [["end"], ["goodbye"]]);
});

Deno.test("spare processes wait for calls, and are gone with the worker", async () => {
  const fixture = await Fixture.open({ spares: 2 });
  await fixture.clock.advance(1);
  assertEquals(fixture.processes.length, 2);
  await fixture.start();
  assertEquals(fixture.processes.length, 3, "one for the next call");
  assertEquals(fixture.processes[0]!.sent[0]!.type, "job");
  fixture.processes[1]!.exit("SIGKILL");
  await fixture.clock.advance(1000);
  assertEquals(fixture.processes.length, 4, "one for the spare that ended");
  await fixture[Symbol.asyncDispose]();
  await fixture.clock.advance(1);
  assertEquals(fixture.processes.slice(2).map(({ isKilled }) => isKilled), [true, true]);
  const said = "a spare process: the agent's process: it ended (SIGKILL)";
  assertEquals(fixture.reports, [said], "nothing of those that it has ended itself");
});

Deno.test("a worker whose program does not come to serve in a process does not open, and says what to do", async () => {
  const cases: [(process: FakeProcess) => void, string[]][] = [
    [(process) => process.exit("exit code 1"), [
      "it ended before it came to serve (exit code 1)",
      "agentProcess.module",
      "agentProcess.denoArgs",
      "`deno run --allow-env agent.ts`",
    ]],
    [() => {}, ["within 30000 ms (limits.startMs)", "agentProcess.module"]],
    [(process) => process.say({ type: "ready", edges: 2 }), ["it has 2 edges and the worker 1"]],
    [(process) => {
      process.say({
        type: "unready",
        error: { name: "EdgeError", message: "no key", code: "key" },
      });
    }, ["no key"]],
  ];
  for (const [onStart, texts] of cases) {
    for (const spares of [0, 1]) {
      const fixture = new Fixture({ spares, onStart });
      const opened = fixture.clock.until(fixture.worker.open());
      const { message } = await assertRejects(() => opened, EdgeError);
      for (const text of texts) assert(message.includes(text), message);
      await fixture[Symbol.asyncDispose]();
      assertEquals(fixture.processes.length, 1);
      assertEquals(await fixture.processes[0]!.ended !== "", true);
    }
  }
});

Deno.test("a worker whose processes do not start any more takes no jobs until one does", async () => {
  for (const spares of [0, 1]) {
    await using fixture = await Fixture.open({ spares });
    const first = await fixture.start("1");
    fixture.onStart = (process) => process.exit("exit code 1");
    if (spares === 0) {
      const job = await fixture.start("2");
      assertEquals(codeOf(await fixture.clock.until(job.ended)), "agent-process-failed");
    } else {
      fixture.processes[1]!.exit("SIGKILL");
      await fixture.clock.advance(1);
      assertEquals(fixture.reports, ["a spare process: the agent's process: it ended (SIGKILL)"]);
      assertEquals(fixture.worker.load.declines, undefined, "the next one may start");
      await fixture.clock.advance(5000);
    }
    assertEquals(fixture.worker.load.declines, "processes");
    const { code } = await assertRejects(() => fixture.start("3"), EdgeError);
    assertEquals(code, "worker-processes");
    const before = fixture.processes.length;
    await fixture.clock.advance(60_000);
    const tries = fixture.processes.length - before;
    assertEquals(tries > 3 && tries < 12, true, `${tries} tries, ever more rarely`);
    fixture.onStart = (process) => process.say({ type: "ready", edges: 1 });
    await fixture.clock.advance(60_000);
    assertEquals(fixture.worker.load.declines, undefined);
    const job = await fixture.start("4");
    for (const run of [first, job]) {
      assertEquals(await fixture.clock.until(run.end()), { status: "finished", reason: "left" });
    }
  }
});

Deno.test("a spare process that ends again and again is started ever more rarely", async () => {
  await using fixture = await Fixture.open({
    spares: 1,
    onStart: (process) => {
      process.say({ type: "ready", edges: 1 });
      process.clock.schedule(() => process.exit("exit code 1"), 10);
    },
  });
  await fixture.clock.advance(60_000);
  const { length } = fixture.processes;
  assertEquals(length > 3 && length < 12, true, `${length} tries`);
});

Deno.test("a job whose process ends before it is ready gets another, once", async () => {
  await using fixture = await Fixture.open({ spares: 1 });
  const ends = [true, false, false, true, true];
  fixture.onStart = (process) => {
    if (ends.shift()) process.exit("SIGTERM");
    else process.say({ type: "ready", edges: 1 });
  };
  await fixture.start("1");
  // The next spare ends while it starts, and the job that waits for it gets the one after it.
  const job = await fixture.start("2");
  assertEquals(fixture.worker.load.calls, 2);
  assertEquals(await fixture.clock.until(job.end()), { status: "finished", reason: "left" });
});

Deno.test("a job gets a process that is ready before one that still starts", async () => {
  await using fixture = await Fixture.open({ spares: 2 });
  fixture.onStart = () => {};
  await fixture.start("1");
  await fixture.start("2");
  const [first, second] = fixture.processes;
  assertEquals([first!.sent.length, second!.sent.length], [1, 1]);
  const third = await fixture.start("3");
  fixture.processes[3]!.say({ type: "ready", edges: 1 });
  await fixture.clock.advance(1);
  const fourth = await fixture.start("4");
  assertEquals(fixture.processes[3]!.sent.map(({ type }) => type), ["job"]);
  await fixture.clock.until(Promise.all([third.end(), fourth.end()]));
});

Deno.test("a draining worker has no spare processes, and starts none", async () => {
  await using fixture = await Fixture.open({ spares: 2 });
  await fixture.clock.advance(1);
  await fixture.start();
  const drained = fixture.worker.drain();
  await fixture.clock.advance(5000);
  assertEquals(fixture.processes.map(({ isKilled }) => isKilled), [false, true, true]);
  fixture.processes[0]!.call = { state: "idle", participants: 0, isLonely: true };
  await fixture.clock.until(drained);
  assertEquals(fixture.processes.length, 3);
  assertEquals(fixture.reports, []);
});

Deno.test("a job that is ended while its process starts leaves none", async () => {
  await using fixture = await Fixture.open();
  await fixture.start("1");
  fixture.onStart = () => {};
  const job = await fixture.start("2");
  assertEquals(await fixture.clock.until(job.end()), { status: "finished", reason: "aborted" });
  await fixture.clock.advance(60_000);
  assertEquals(fixture.processes.map(({ isKilled }) => isKilled), [false, true]);
  assertEquals(fixture.worker.load.declines, undefined);
});

Deno.test("a job over an edge that is none of the worker's fails", async () => {
  await using fixture = await Fixture.open();
  await using other = new MemoryEdge({ clock: fixture.clock });
  const job = await fixture.worker.start({ edge: other, callId: "kitchen" });
  const outcome = await fixture.clock.until(job.ended);
  assertEquals((outcome as { error: Error }).error instanceof TypeError, true);
});

Deno.test("errors and outcomes cross between the processes", () => {
  const error = fromFailureData(
    toFailureData(new EdgeError("no", { code: "late", retryable: true })),
  );
  assertEquals([error instanceof EdgeError, (error as EdgeError).code], [true, "late"]);
  assertEquals(fromFailureData(toFailureData(new RangeError("far"))).name, "RangeError");
  assertEquals(fromFailureData(toFailureData("broken")).message, "broken");
  const denied = new AuthenticationError("no", { code: "denied" });
  assertEquals(fromFailureData(toFailureData(denied)) instanceof AuthenticationError, true);
  const long = toFailureData(new Error("x".repeat(1_000_000)));
  assert(JSON.stringify(long).length < 20_000, "a message stays small");
  const left = { status: "finished", reason: "left" } as const;
  assertEquals(fromOutcomeData(toOutcomeData(left)), left);
  const outcome = toOutcomeData({ status: "failed", error: "no" });
  const ended = { type: "ended", outcome } as const;
  assertEquals(readFromAgent(JSON.parse(JSON.stringify(ended))), ended);
  const foreign = [
    ...[null, "hello", { type: "ended" }, { type: "alive", rssBytes: "many" }],
    { type: "replied", voiceToVoiceMs: Infinity },
    { type: "alive", rssBytes: 1, call: { state: "asleep", participants: 1, isLonely: false } },
  ];
  for (const message of foreign) assertEquals(readFromAgent(message), undefined);
});

Deno.test("agentIsolation is checked", async () => {
  const agent = plainAgent;
  const edge = new MemoryEdge();
  const check = (options: object) => () => checkIsolation({ agent, ...options });
  assertEquals(checkIsolation({ agent }), undefined);
  assertThrows(check({ agentIsolation: "thread" }), TypeError, 'expected "program" or "process"');
  const process = { agentIsolation: "process" };
  assertThrows(check(process), TypeError, "edges: expected a list like [edge]");
  const text = "edges[0]: MemoryEdge keeps its calls in this program";
  assertThrows(check({ ...process, edges: [edge] }), TypeError, text);
  const remote = Object.defineProperty(edge, "hasRemoteCalls", { value: true });
  for (
    const [agentProcess, message] of [
      [{ spares: -1 }, "agentProcess.spares: expected"],
      [{ module: "agent.ts" }, "agentProcess.module: expected"],
      [{ denoArgs: "--allow-read" }, "agentProcess.denoArgs: expected"],
    ] as const
  ) {
    assertThrows(check({ ...process, edges: [remote], agentProcess }), Error, message);
  }
  const module = "file:///agent.ts";
  const sources = [{ edge: remote, openJobs: () => Promise.reject(new Error("unused")) }];
  const isolation = checkIsolation({
    agent,
    sources,
    agentIsolation: "process",
    agentProcess: { module },
  });
  assertEquals(isolation, { edges: [remote], module, spares: 1, denoArgs: [] });
  await edge.close();
  assertThrows(() => checkWorkerLimits({ agentMemoryBytes: 0 }), RangeError, "agentMemoryBytes");
  assertThrows(() => checkWorkerLimits({ stuckMs: -1 }), RangeError, "stuckMs");
});

Deno.test("a process gets no permission that is denied in part, and may run Deno where that is all", () => {
  const flags = (granted: Record<string, { partial: boolean }>) =>
    passedPermissions("/bin/deno", (descriptor) => {
      const { name, command } = descriptor as { name: string; command?: string };
      const found = granted[command === undefined ? name : `${name}=${command}`];
      return { state: found ? "granted" : "prompt", partial: found?.partial ?? false };
    });
  const [whole, part] = [{ partial: false }, { partial: true }];
  assertEquals(flags({ env: part, net: part, read: part, run: whole }), [
    "--allow-env",
    "--allow-run",
  ]);
  assertEquals(flags({ env: whole, "run=/bin/deno": whole }), [
    "--allow-env",
    "--allow-run=/bin/deno",
  ]);
});

Deno.test("two workers of a program do not share the processes' main module", () => {
  {
    using _first = claimModule("file:///agent.ts");
    using _other = claimModule("file:///other.ts");
    assertThrows(
      () => claimModule("file:///agent.ts"),
      TypeError,
      "agentProcess.module: expected another",
    );
  }
  claimModule("file:///agent.ts")[Symbol.dispose]();
});
