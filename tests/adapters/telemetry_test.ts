import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";

/** Runs a conversation in a program of its own, as only a new one reads Deno's settings. */
const PROGRAM = `
import { conversationEvents, EventManager, BargeInEvent, ReplyLatencyEvent } from "@ringline/edge";
import { recordTelemetry } from "@ringline/edge/telemetry";
const events = new EventManager();
events.register(...conversationEvents);
using _recording = recordTelemetry(events, { attributes: { agent: "test" } });
events.send(new ReplyLatencyEvent({ participant: undefined, voiceToVoiceMs: 700, endOfTurnDelayMs: 400,
  transcriptionDelayMs: 0, llmMs: 200, ttftMs: 200, ttfbMs: 50, playoutMs: 40, overheadMs: 10, preemptive: false }));
events.send(new BargeInEvent({ participant: undefined, silenceMs: 180, discardedMs: 0 }));
`;

Deno.test("a conversation's figures and spans reach a collector through Deno's exporter", async () => {
  const received = new Map<string, string>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      received.set(pathname, (received.get(pathname) ?? "") + await request.text());
      return Response.json({});
    },
  );
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", `--config=${config}`, "--ext=ts", PROGRAM],
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
    },
    stderr: "piped",
  }).output();
  await server.shutdown();
  assert(success, new TextDecoder().decode(stderr));
  const metrics = received.get("/v1/metrics") ?? "";
  for (const text of ["ringline.voice_to_voice", "ringline.barge_in_to_silence", "playout"]) {
    assert(metrics.includes(text), `${text} in ${metrics.slice(0, 300)}`);
  }
  const spans = received.get("/v1/traces") ?? "";
  for (const text of ['"reply"', '"turn"', '"llm"']) assert(spans.includes(text), text);
});
