/** A worker's control: what it answers, and whom. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import parsePrometheus from "npm:parse-prometheus-text-format@1.1.1";
import { ReplyLatencyEvent } from "../../src/inference/contracts/events.ts";
import { WorkerControl, type WorkerControlOptions } from "../../src/serve/control/control.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { Call, CreateCallOptions } from "../../src/edge/call.ts";
import { EdgeError } from "../../src/edge/errors.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { plainAgent, WorkerFixture } from "./_fixture.ts";

const TOKEN = "t".repeat(32);
const ORIGIN = "http://127.0.0.1:8081";

/** Asks a control; the token is sent unless the headers say otherwise. */
async function ask(
  control: WorkerControl,
  path: string,
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> } = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const request = new Request(`${ORIGIN}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
  });
  const { status, headers: answered, ...response } = await control.fetch(request).then(
    async (one) => ({ status: one.status, headers: one.headers, text: await one.text() }),
  );
  const isJson = answered.get("content-type")?.startsWith("application/json");
  const body = isJson ? JSON.parse(response.text) : { text: response.text };
  return { status, body, headers: answered };
}

/** What an answer's error is, beside its status. */
async function refusal(
  control: WorkerControl,
  path: string,
  init?: Parameters<typeof ask>[2],
): Promise<string> {
  const { status, body } = await ask(control, path, init);
  return `${status} ${(body.error as { code?: string } | undefined)?.code}`;
}

function post(value: unknown, headers: Record<string, string> = {}) {
  const body = typeof value === "string" ? value : JSON.stringify(value);
  return { method: "POST", body, headers: { "content-type": "application/json", ...headers } };
}

function controlOf({ worker, edge, clock }: WorkerFixture, options: WorkerControlOptions = {}) {
  return new WorkerControl(worker, { token: TOKEN, edge, clock, ...options });
}

Deno.test("WorkerControl starts, lists and ends calls", async () => {
  await using fixture = await WorkerFixture.start({ limits: { calls: 1 } });
  const control = controlOf(fixture);
  const user = { id: "anna", name: "Anna" };
  const wanted = { callId: "kitchen", callType: "phone", metadata: { table: 4 }, user };
  const created = await ask(control, "/calls", post(wanted));
  const id = created.body.id as string;
  assertEquals([created.status, created.headers.get("location")], [201, `/calls/${id}`]);
  await fixture.clock.advance(100);
  assertEquals(fixture.joined, ["kitchen"]);
  fixture.edge.enter([...fixture.edge.connections][0]!.call, { userId: "anna" });
  const described = { ...wanted, id, startedAt: "2026-01-01T00:00:00.000Z", state: "active" };
  const one = await ask(control, `/calls/${id}`);
  assertEquals(one.body, { ...described, participants: 1 });
  const { body: { calls, load } } = await ask(control, "/calls");
  assertEquals(calls, [one.body]);
  assertEquals((load as { calls: number }).calls, 1);
  assertEquals(await refusal(control, "/calls", post({ callId: "x" })), "503 worker-calls");
  const ended = ask(control, `/calls/${id}`, { method: "DELETE" });
  assertEquals((await fixture.clock.until(ended)).body, { id, status: "finished" });
  assertEquals(await refusal(control, `/calls/${id}`), "404 no-such-call");
  assertEquals(fixture.joined, []);
});

/** An edge with links: what is opened stays so until it is ended, or an agent joins. */
class LinkedEdge extends MemoryEdge {
  readonly open = new Set<string>();
  #isDown = false;

  override createCall(callId: string, options?: CreateCallOptions): Promise<Call> {
    if (callId === ".") return Promise.reject(new TypeError('callId must not be "."'));
    return super.createCall(callId, options);
  }
  override endCall(call: Call): Promise<void> {
    this.open.delete(call.id);
    return super.endCall(call);
  }
  callLink({ id }: Call): Promise<URL> {
    if (this.#isDown) return Promise.reject(new EdgeError("no process", { code: "spawn-failed" }));
    this.open.add(id);
    return Promise.resolve(new URL(`https://example.org/call/${id}`));
  }
  breakLinks(): void {
    this.#isDown = true;
  }
}

Deno.test("WorkerControl answers for a call that has started, and ends one whose agent does not come", async () => {
  await using fixture = await WorkerFixture.start({
    agent: (job) => {
      if (job.callId === "broken" || job.metadata === "broken") throw new Error("no key");
      return job.callId === "slow" ? new Promise(() => {}) : plainAgent(job);
    },
    accept: ({ callId }) => {
      if (callId === "undecided") throw new Error("no database");
      return callId !== "unwanted";
    },
  });
  const { clock, worker, errors } = fixture;
  const edge = new LinkedEdge({ clock, logger: silentLogger });
  const control = controlOf(fixture, { edge });
  const start = async (wanted: object) => {
    const { status, body } = await clock.until(ask(control, "/calls", post(wanted)));
    await clock.advance(100);
    return { status, id: body.id as string, url: body.url };
  };
  assertEquals(await refusal(control, "/calls", post({ callId: "." })), "400 bad-request");
  assertEquals(
    await refusal(control, "/calls", post({ callId: "unwanted" })),
    "409 worker-application",
  );
  assertEquals(
    await refusal(control, "/calls", post({ callId: "undecided" })),
    "503 worker-application",
  );
  assertEquals([worker.jobs.size, edge.open.size], [0, 0]);
  const kitchen = await start({ callId: "kitchen" });
  assertEquals([kitchen.status, kitchen.url], [201, "https://example.org/call/kitchen"]);
  assertEquals((await start({ callId: "broken" })).status, 201);
  const slow = await start({ callId: "slow" });
  assertEquals([...edge.open], ["kitchen", "slow"], "the agent of the other has failed");
  await clock.until(worker.end(slow.id));
  await clock.advance(1);
  await start({ callId: "kitchen", metadata: "broken" });
  assertEquals([...edge.open], ["kitchen"], "another agent is in it");
  edge.breakLinks();
  const { id: _, ...hall } = await start({ callId: "hall" });
  assertEquals(hall, { status: 201, url: undefined });
  assertEquals(errors.at(-1), "the link of hall: EdgeError: no process");
  await clock.until(worker.close());
  await clock.until(edge.close());
});

Deno.test("WorkerControl tells probes whether the worker lives, and takes jobs", async () => {
  await using fixture = await WorkerFixture.start();
  const control = new WorkerControl(fixture.worker);
  const probe = async (path: string) => {
    const { status, body } = await ask(control, path, { headers: { authorization: "" } });
    return `${status} ${body.status}`;
  };
  assertEquals([await probe("/healthz"), await probe("/readyz")], ["200 ok", "200 ready"]);
  fixture.use.cpu = 1;
  await fixture.clock.advance(2500);
  assertEquals([await probe("/healthz"), await probe("/readyz")], ["200 ok", "503 cpu"]);
  await fixture.start("kitchen").catch(() => {});
  fixture.use.cpu = 0;
  await fixture.clock.advance(2500);
  await fixture.start("kitchen");
  const drained = fixture.worker.drain({ timeoutMs: 1000 });
  assertEquals([await probe("/healthz"), await probe("/readyz")], ["200 ok", "503 draining"]);
  await fixture.clock.until(drained);
  assertEquals(await probe("/healthz"), "503 closed");
});

Deno.test("WorkerControl denies by default, and what has no right token", async () => {
  await using fixture = await WorkerFixture.start();
  const closed = new WorkerControl(fixture.worker, { edge: fixture.edge });
  const control = controlOf(fixture);
  for (const path of ["/metrics", "/calls", "/calls/x"]) {
    assertEquals(await refusal(closed, path), "403 no-token");
    const wrong = ["", TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`];
    for (const authorization of [...wrong, "Bearer", `Bearer ${"t".repeat(100_000)}`]) {
      const answer = await ask(control, path, { headers: { authorization } });
      assertEquals([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"]);
    }
  }
  assertEquals(
    await refusal(controlOf(fixture, { edge: undefined }), "/calls", post({})),
    "403 no-edge",
  );
  const open = controlOf(fixture, { publicMetrics: true });
  assertEquals((await ask(open, "/metrics", { headers: { authorization: "" } })).status, 200);
  assertEquals(fixture.worker.jobs.size, 0);
});

Deno.test("WorkerControl refuses what is malformed, too large, or not its own", async () => {
  await using fixture = await WorkerFixture.start();
  const control = controlOf(fixture);
  const wrong: [unknown, string][] = [
    [post("{"), "400 bad-request"],
    [post("[]"), "400 bad-request"],
    [post(null), "400 bad-request"],
    [post({}), "400 bad-request"],
    [post({ callId: "a\nb" }), "400 bad-request"],
    [post({ callId: "x".repeat(300) }), "400 bad-request"],
    [post({ callId: "x", callType: 1 }), "400 bad-request"],
    [post({ callId: "x", user: "anna" }), "400 bad-request"],
    [post({ callId: "x", edge: "other" }), "400 bad-request"],
    [post({ callId: "x", metadata: "y".repeat(6000) }), "400 bad-request"],
    [post(" ".repeat(16_385)), "413 body-too-large"],
    [post({ callId: "x" }, { "content-type": "text/plain" }), "415 not-json"],
    [{ ...post({ callId: "x" }), method: "PUT" }, "405 wrong-method"],
    [{ method: "DELETE" }, "405 wrong-method"],
  ];
  for (const [init, expected] of wrong) {
    assertEquals(await refusal(control, "/calls", init as RequestInit as never), expected);
  }
  for (const path of ["/", "/call/default/kitchen", "/calls/", "/calls/a/b", "/metrics/x"]) {
    assertEquals(await refusal(control, path), "404 not-found", path);
  }
  assertEquals(await refusal(control, "/calls/%E0%A4%A"), "404 no-such-call");
  assertEquals(await refusal(control, "/metrics", { method: "POST" }), "405 wrong-method");
  assertEquals(await refusal(control, "/healthz", { method: "DELETE" }), "405 wrong-method");
  assertEquals(fixture.worker.jobs.size, 0);
});

Deno.test("WorkerControl reports what an edge throws, and tells the operator that it failed", async () => {
  await using fixture = await WorkerFixture.start();
  const edge = Object.assign(new MemoryEdge({ clock: fixture.clock }), {
    callLink: () => Promise.reject(new Error("no link")),
    createCall: () => Promise.reject(new RangeError("the secret of the edge")),
  });
  const control = controlOf(fixture, { edge });
  const { status, body } = await ask(control, "/calls", post({ callId: "kitchen" }));
  assertEquals([status, (body.error as { code: string }).code], [500, "failed"]);
  assert(!JSON.stringify(body).includes("secret"));
  assertEquals(fixture.worker.survivedErrors, 1);
});

Deno.test("WorkerControl does not wait for a body that never ends, and reads no more than its limit", async () => {
  await using fixture = await WorkerFixture.start();
  const control = controlOf(fixture);
  let sent = 0;
  const endless = new ReadableStream({
    pull(stream) {
      sent++;
      stream.enqueue(new Uint8Array(1000));
    },
  });
  const headers = { "content-type": "application/json" };
  const start = (body: ReadableStream) =>
    refusal(
      control,
      "/calls",
      { method: "POST", body, headers, duplex: "half" } as RequestInit as never,
    );
  assertEquals(await start(endless), "413 body-too-large");
  assert(sent < 30, `${sent} pieces were read`);
  const stuck = new ReadableStream({ pull: () => new Promise(() => {}) });
  assertEquals(await fixture.clock.until(start(stuck)), "408 body-incomplete");
});

Deno.test("WorkerControl answers pages of listed origins only", async () => {
  await using fixture = await WorkerFixture.start();
  const friend = "https://admin.example.org";
  const control = controlOf(fixture, { origins: [friend] });
  for (const origin of ["https://attacker.example", "null", `${friend}.attacker.example`]) {
    for (const method of ["GET", "OPTIONS"]) {
      const { status, headers } = await ask(control, "/calls", { method, headers: { origin } });
      assertEquals([status, headers.get("access-control-allow-origin")], [403, null]);
    }
  }
  const asked = await ask(control, "/calls", { method: "OPTIONS", headers: { origin: friend } });
  assertEquals([asked.status, asked.headers.get("access-control-allow-origin")], [204, friend]);
  const listed = await ask(control, "/calls", { headers: { origin: friend } });
  assertEquals([listed.status, listed.headers.get("access-control-allow-origin")], [200, friend]);
  const denied = { headers: { origin: friend, authorization: "" } };
  const { status, headers } = await ask(control, "/calls", denied);
  const allowed = ["access-control-allow-origin", "vary"].map((name) => headers.get(name));
  assertEquals([status, ...allowed], [401, friend, "origin"], "the page can read why");
  const none = await ask(control, "/calls");
  assertEquals(none.headers.get("access-control-allow-origin"), null);
});

interface Family {
  name: string;
  type: string;
  metrics: { value?: string; labels?: Record<string, string>; count?: string; sum?: string }[];
}

Deno.test("WorkerControl has its figures as Prometheus reads them, and names no one", async () => {
  await using fixture = await WorkerFixture.start({
    limits: { calls: 2 },
    agent: ({ edge, callId }) => {
      if (callId === "broken") throw new Error("no key");
      const tts = new FakeTTS(edge.clock);
      return new Agent({ edge, agentUser: { id: "agent", name: "Agent" }, tts });
    },
  });
  const control = controlOf(fixture);
  const atFirst = (await ask(control, "/metrics")).body.text as string;
  for (
    const labels of ['status="finished",reason="call-ended"', 'status="failed",reason="error"']
  ) {
    assert(atFirst.includes(`ringline_jobs_ended_total{${labels}} 0\n`), labels);
  }
  assert(atFirst.includes('ringline_jobs_declined_total{reason="memory"} 0\n'), atFirst);
  const run = await fixture.start("secret-kitchen");
  await fixture.start("broken");
  fixture.use.memory = undefined;
  await fixture.clock.advance(2500);
  const { events } = fixture.worker.agentOf("secret-kitchen")!;
  events.send(new ReplyLatencyEvent({ voiceToVoiceMs: 900 } as never));
  await fixture.start("c");
  await fixture.offer("d");
  await fixture.clock.advance(12_500);
  await fixture.clock.until(run.end());
  const { body, headers } = await ask(control, "/metrics");
  assertEquals(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = body.text as string;
  const families: Family[] = parsePrometheus(text);
  const value = (name: string, labels?: Record<string, string>) => {
    const found = families.find((one) => one.name === `ringline_${name}`);
    const metric = found?.metrics.find((one) =>
      Object.entries(labels ?? {}).every(([key, value]) => one.labels?.[key] === value)
    );
    return metric?.value ?? metric?.count;
  };
  assertEquals(value("worker_calls"), "1");
  assertEquals(value("worker_calls_limit"), "2");
  assertEquals(value("worker_ready"), "1");
  assertEquals(value("worker_memory")?.toLowerCase(), "nan");
  assertEquals(value("jobs_started_total"), "3");
  assertEquals(value("jobs_ended_total", { status: "finished", reason: "left" }), "1");
  assertEquals(value("jobs_ended_total", { status: "failed", reason: "error" }), "1");
  assertEquals(value("jobs_declined_total", { reason: "calls" }), "1");
  assertEquals(value("worker_errors_total"), "1");
  assertEquals(value("job_duration_seconds"), "2");
  assertEquals(value("reply_latency_seconds"), "1");
  assertEquals(families.map(({ type }) => type).filter((type) => type === "HISTOGRAM").length, 2);
  assert(!text.includes("kitchen"), "no call is named");
});

Deno.test("WorkerControl names a wrong option", async () => {
  await using fixture = await WorkerFixture.start();
  const { worker } = fixture;
  const wrong: [unknown, string][] = [
    [{ token: "short" }, "token: expected at least 32 random characters"],
    [{ token: `${TOKEN} ` }, "token: expected at least 32 random characters"],
    [{ edge: {} }, "edge: expected an EdgeTransport"],
    [{ origins: ["https://a.example/x"] }, 'origins: expected one like "https://example.org"'],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new WorkerControl(worker, options as never), TypeError, message);
  }
  assertThrows(() => new WorkerControl({} as never), TypeError, "worker: expected an AgentWorker");
});
