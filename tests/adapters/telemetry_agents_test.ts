/** What telemetry counts of several agents on one edge, and of an agent without a model. */
import { assertEquals } from "@std/assert";
import { metrics, type Span, trace } from "npm:@opentelemetry/api@1.10.0";
import { Agent, AudioStatsEvent, ErrorEvent } from "@ringline/edge";
import { MemoryEdge } from "@ringline/edge/testing";
import { recordTelemetry } from "../../src/adapters/telemetry/mod.ts";

/** Keeps what is recorded until it is disposed: sums by metric and agent, attributes by span. */
class Records implements Disposable {
  readonly sums: Record<string, number> = {};
  readonly spans: Record<string, unknown>[] = [];

  constructor() {
    const add = (name: string) => ({
      add: (value: number, { agent }: { agent: string }) => {
        this.sums[`${name} ${agent}`] = (this.sums[`${name} ${agent}`] ?? 0) + value;
      },
    });
    const record = () => ({ record() {} });
    const meter = {
      createCounter: add,
      createUpDownCounter: add,
      createHistogram: record,
      createGauge: record,
    };
    metrics.setGlobalMeterProvider({ getMeter: () => meter as never });
    const startSpan = (_name: string, { attributes }: { attributes: Record<string, unknown> }) => {
      const shown = { ...attributes };
      this.spans.push(shown);
      return {
        setAttributes: (more: object) => void Object.assign(shown, more),
        recordException() {},
        setStatus() {},
        end() {},
      } as unknown as Span;
    };
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as never });
  }

  [Symbol.dispose](): void {
    metrics.disable();
    trace.disable();
  }
}

Deno.test("recordTelemetry counts for each of an edge's agents what belongs to its own call", async () => {
  using records = new Records();
  await using edge = new MemoryEdge();
  using recordings = new DisposableStack();
  const join = async (id: string, people: string[]) => {
    const agent = new Agent({ edge, agentUser: { id, name: id } });
    recordings.use(recordTelemetry(agent, { attributes: { agent: id } }));
    const call = await agent.createCall("default", id);
    const entered = people.map((userId) => edge.enter(call, { userId }));
    await agent.join(call, { participantWaitTimeoutMs: 0 });
    return { agent, entered };
  };
  const kitchen = await join("kitchen", ["anna", "bert"]);
  const hall = await join("hall", ["carl"]);
  const stats = { packetsReceived: 50, packetsLost: 0, audioMs: 1000, concealedMs: 0, jitterMs: 1 };
  edge.events.send(
    new AudioStatsEvent({
      connection: hall.agent.connection!,
      participant: hall.entered[0]!.participant,
      stats: { ...stats, roundTripMs: undefined },
    }),
  );
  const { connection } = kitchen.agent;
  edge.events.send(new ErrorEvent({ connection, error: new Error("no"), context: "a try" }));
  edge.events.send(new ErrorEvent({ error: new Error("the edge's own"), context: "a try" }));
  kitchen.entered[0]!.leave();
  assertEquals(people(records), { kitchen: 1, hall: 1 });
  recordings.dispose();
  assertEquals(records.sums, {
    // Those who are still there are counted no longer, or the figure would keep them for ever.
    "ringline.participants kitchen": 0,
    "ringline.participants hall": 0,
    "ringline.rtc.packets.received hall": 50,
    "ringline.rtc.packets.lost hall": 0,
    "ringline.rtc.audio hall": 1,
    "ringline.rtc.concealed hall": 0,
    "ringline.errors kitchen": 2,
  });
  assertEquals(
    records.spans.map((span) => [span["gen_ai.agent.id"], span["ringline.context"]]),
    [["kitchen", "a try"], ["hall", "a try"]],
  );
  await kitchen.agent.close();
  await hall.agent.close();
});

Deno.test("recordTelemetry counts who is there when it begins, and no one when the call is over", async () => {
  using records = new Records();
  await using edge = new MemoryEdge();
  const agent = new Agent({ edge, agentUser: { id: "late", name: "Late" } });
  const call = await agent.createCall("default", "kitchen");
  const anna = edge.enter(call, { userId: "anna" });
  edge.enter(call, { userId: "bert" });
  await agent.join(call, { participantWaitTimeoutMs: 0 });
  using _own = recordTelemetry(agent, { attributes: { agent: "agent" } });
  using _all = recordTelemetry({ edge }, { attributes: { agent: "edge" } });
  assertEquals(people(records), { agent: 2, edge: 2 });
  edge.enter(call, { userId: "carl" });
  assertEquals(people(records), { agent: 3, edge: 3 });
  anna.leave();
  assertEquals(people(records), { agent: 2, edge: 2 });
  await agent.close();
  assertEquals(people(records), { agent: 0, edge: 0 });
});

/** How many people are counted, by agent. */
function people({ sums }: Records): Record<string, number> {
  const name = "ringline.participants ";
  const own = Object.entries(sums).filter(([key]) => key.startsWith(name));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length), value]));
}

Deno.test("recordTelemetry records an agent without a model", async () => {
  using records = new Records();
  await using edge = new MemoryEdge();
  const agent = new Agent({ edge, agentUser: { id: "echo", name: "Echo" } });
  using _recording = recordTelemetry(agent, { attributes: { agent: "echo" } });
  const call = await agent.createCall("default", "kitchen");
  await agent.join(call, { participantWaitTimeoutMs: 0 });
  edge.enter(call, { userId: "anna" });
  assertEquals(records.sums, { "ringline.participants echo": 1 });
  assertEquals(records.spans, [
    { agent: "echo", "gen_ai.agent.id": "echo", "gen_ai.agent.name": "Echo" },
  ]);
  await agent.close();
});
