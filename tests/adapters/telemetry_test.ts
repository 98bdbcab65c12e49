/** What telemetry sends, read from Deno's own exporter, in OTLP's JSON. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { recordTelemetry } from "../../src/adapters/telemetry/mod.ts";

/** Runs a call in a program of its own, as only a new one reads Deno's settings. */
const PROGRAM = `
import { Agent, AudioStatsEvent, defineTool, InferenceError, type LLMRequest } from "@ringline/edge";
import { recordTelemetry } from "@ringline/edge/telemetry";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD, MemoryEdge, VirtualClock } from "@ringline/edge/testing";
import { PcmChunk } from "@ringline/edge/audio";
const clock = new VirtualClock();
await using edge = new MemoryEdge({ clock });
const fake = new FakeLLM(clock, [
  { calls: [{ name: "look_up", input: { room: 12 } }] },
  { text: "Room 12 is free." },
  { error: new InferenceError("busy", { code: "rate-limited" }) },
]);
const llm = {
  name: "fake-llm", model: "tiny", provider: "fakes",
  async *generate(request: LLMRequest) {
    yield* fake.generate(request);
    yield { type: "usage", inputTokens: 100, outputTokens: 20 } as const;
  },
};
const agent = new Agent({
  edge, clock, llm, stt: new FakeSTT(clock, ["Is room 12 free?", "And 13?"]), tts: new FakeTTS(clock),
  vad: new FakeVAD(), agentUser: { id: "desk", name: "Desk" },
  tools: [defineTool({ name: "look_up", description: "Looks", parameters: { type: "object", properties: { room: { type: "number" } } },
    execute: () => { throw new Error("no room 12"); } })],
});
using _recording = recordTelemetry(agent, {
  attributes: { deployment: "test" },
  content: CONTENT,
  prices: { inputTokens: 1, sttHour: 3600, ttsCharacters: 1e6 },
});
const call = await agent.createCall("default", "kitchen");
const anna = edge.enter(call, { userId: "anna" });
await clock.until(agent.join(call));
const loud = new PcmChunk(new Int16Array(16_000).fill(8000), { sampleRate: 16_000 });
const quiet = new PcmChunk(new Int16Array(48_000), { sampleRate: 16_000 });
for (let turn = 0; turn < 2; turn++) {
  anna.speak(loud);
  await clock.until(anna.speak(quiet));
  await clock.advance(6000);
}
for (const n of [1, 2]) {
  edge.events.send(new AudioStatsEvent({
    connection: [...edge.connections][0], participant: anna.participant,
    stats: { packetsReceived: 100 * n, packetsLost: n, audioMs: 2000 * n, concealedMs: 20 * n, jitterMs: 4, roundTripMs: 25 },
  }));
}
anna.leave();
await clock.until(agent.close());
`;

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: string; doubleValue?: number };
}
interface OtlpSpan {
  name: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Attribute[];
  status?: { code?: number };
  events?: { attributes: Attribute[] }[];
}
interface Point {
  attributes: Attribute[];
  explicitBounds?: number[];
  sum?: number;
  asDouble?: number;
  asInt?: string;
}
interface Metric {
  name: string;
  unit?: string;
  histogram?: { dataPoints: Point[] };
  sum?: { dataPoints: Point[] };
}

const plain = (attributes: Attribute[]) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  ) as Record<string, string>;

/** Runs the program, and returns what a collector is sent. */
async function collect(content: string): Promise<{ spans: OtlpSpan[]; metrics: Metric[] }> {
  const received: { path: string; body: string }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      received.push({ path: new URL(request.url).pathname, body: await request.text() });
      return Response.json({});
    },
  );
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const program = PROGRAM.replace("CONTENT", content);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", `--config=${config}`, "--ext=ts", program],
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
    },
    stderr: "piped",
  }).output();
  await server.shutdown();
  assert(success, new TextDecoder().decode(stderr));
  const bodies = (path: string) =>
    received.filter((one) => one.path === path).map(({ body }) => JSON.parse(body));
  return {
    spans: bodies("/v1/traces").flatMap(({ resourceSpans }) => resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .filter(({ scope }) => scope.name === "@ringline/edge").flatMap(({ spans }) => spans),
    metrics: bodies("/v1/metrics").flatMap(({ resourceMetrics }) => resourceMetrics)
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .filter(({ scope }) => scope.name === "@ringline/edge").flatMap(({ metrics }) => metrics),
  };
}

Deno.test("recordTelemetry sends what the conventions name, in seconds, through Deno's exporter", async () => {
  const { spans, metrics } = await collect("false");
  const named = (name: string) => {
    const found = metrics.findLast((one) => one.name === name);
    assert(found, `${name} in ${metrics.map(({ name }) => name)}`);
    return found;
  };
  const points = (name: string) => {
    const { histogram, sum } = named(name);
    return (histogram ?? sum)!.dataPoints;
  };
  const duration = named("gen_ai.client.operation.duration");
  assertEquals(duration.unit, "s");
  const requests = points("gen_ai.client.operation.duration").map(({ attributes }) =>
    plain(attributes)
  );
  const common = {
    "deployment": "test",
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "fakes",
    "gen_ai.request.model": "tiny",
  };
  assertEquals(requests.find((one) => !one["error.type"]), common);
  assertEquals(requests.find((one) => one["error.type"]), {
    ...common,
    "error.type": "rate-limited",
  });
  const bounds = points("ringline.voice_to_voice")[0]!.explicitBounds!;
  assert(bounds.filter((bound) => bound > 0.99 && bound < 2.6).length > 5, "1.0 s is not 2.5 s");
  const [tool] = points("gen_ai.execute_tool.duration").map(({ attributes }) => plain(attributes));
  assertEquals([tool!["gen_ai.tool.name"], tool!["error.type"]], ["look_up", "tool_error"]);
  const total = (name: string) =>
    points(name).reduce((sum, { asDouble, asInt }) => sum + Number(asDouble ?? asInt), 0);
  assert(total("ringline.stt.audio") > 1, "seconds of speech");
  assert(total("ringline.tts.characters") >= "Room 12 is free.".length);
  assertEquals(total("ringline.participants"), 0, "one came and left");
  for (
    const [name, sum] of [["packets.received", 200], ["packets.lost", 2], ["audio", 4]] as const
  ) {
    assertEquals(total(`ringline.rtc.${name}`), sum, name);
    assertEquals(points(`ringline.rtc.${name}`).map(({ attributes }) => plain(attributes)), [
      { deployment: "test", "user.id": "anna" },
    ]);
  }
  assertEquals(named("ringline.rtc.concealed").unit, "s");
  assertEquals(points("ringline.rtc.jitter")[0]!.sum, 0.008);
  assertEquals(points("ringline.rtc.round_trip")[0]!.sum, 0.05);
  const costs = points("ringline.cost").map(({ attributes }) => plain(attributes).of);
  assertEquals(costs.toSorted(), ["inputTokens", "sttHour", "ttsCharacters"]);
  assertEquals(total("ringline.llm.tokens"), 240, "of two responses");

  const byId = new Map(spans.map((one) => [one.spanId, one]));
  const parentOf = (name: string) => {
    const one = spans.find((span) => span.name === name);
    assert(one, `${name} in ${spans.map(({ name }) => name)}`);
    return byId.get(one.parentSpanId ?? "")?.name;
  };
  assertEquals(
    ["turn", "chat tiny", "execute_tool look_up", "reply", "llm"].map(parentOf),
    ["session", "turn", "turn", "turn", "reply"],
  );
  const failed = spans.filter(({ status }) => status?.code === 2).map(({ name }) => name);
  assert(failed.includes("execute_tool look_up") && failed.includes("chat tiny"), `${failed}`);
  const all = JSON.stringify(spans);
  for (const said of ["free", "room 12", "13?"]) assert(!all.includes(said), said);
});

Deno.test("recordTelemetry tells what was said only as the application lets it", async () => {
  const { spans } = await collect('(text) => text.replaceAll(/[0-9]/g, "#")');
  const all = JSON.stringify(spans.flatMap(({ attributes }) => attributes));
  for (const said of ["Is room ## free?", "Room ## is free.", "no room ##"]) {
    assert(all.includes(said), `${said} in ${all}`);
  }
  assert(!/oom 1/.test(JSON.stringify(spans)));
});

Deno.test("recordTelemetry says what it expected", () => {
  assertThrows(() => recordTelemetry({} as never), TypeError, "source.events");
  assertThrows(() => recordTelemetry(undefined as never), TypeError, "source");
});
