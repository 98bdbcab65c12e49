/**
 * OpenTelemetry metrics and spans of an agent, for the program's exporter. Deno has one built in:
 * `OTEL_DENO=true deno run ...` sends them to `OTEL_EXPORTER_OTLP_ENDPOINT`.
 *
 * @module
 */
import type { EventManager } from "../../events/event_manager.ts";
import { checkMethods, checkObject, checkOptions } from "../../events/checks.ts";
import { recordMetrics } from "./metrics.ts";
import type { Recording, TelemetryOptions, TelemetryPrices, TelemetrySource } from "./recording.ts";
import { recordSpans } from "./spans.ts";

export type { TelemetryOptions, TelemetryPrices, TelemetrySource };

const PRICES: Readonly<Record<keyof TelemetryPrices, true>> = {
  inputTokens: true,
  outputTokens: true,
  sttHour: true,
  ttsCharacters: true,
};

/**
 * Records what happens in an agent's calls until the result is disposed. Names are those of
 * OpenTelemetry's conventions for generative AI, where there is one; times are in seconds.
 *
 * Metrics: `gen_ai.client.operation.duration`, `gen_ai.client.operation.time_to_first_chunk` and
 * `gen_ai.client.token.usage` of language models and realtime models,
 * `gen_ai.execute_tool.duration`;
 * `ringline.voice_to_voice` and its parts (by `part`), `ringline.barge_in.silence`,
 * `ringline.false_interruptions`, `ringline.llm.tokens`, `ringline.stt.audio`,
 * `ringline.tts.characters`, `ringline.cost`, `ringline.participants`, `ringline.errors` (by
 * `error.type`), and what the components count (`ringline.figure`). Of each participant's audio (by
 * `user.id`) `ringline.rtc.packets.received`, `ringline.rtc.packets.lost`, `ringline.rtc.audio` and
 * `ringline.rtc.concealed` (what was made up for what was lost), `ringline.rtc.jitter` and
 * `ringline.rtc.round_trip`, on edges with WebRTC.
 *
 * Spans: one for the whole recording, one for each turn, and in it each request to a model, each tool
 * and the reply with its parts. Errors are recorded in them. An agent without a model has the call's.
 *
 * @example
 * ```ts
 * import { Agent } from "@ringline/edge";
 * import { recordTelemetry } from "@ringline/edge/telemetry";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * const agent = new Agent({ edge: new MemoryEdge(), agentUser: { id: "helper", name: "Helper" } });
 * using _recording = recordTelemetry(agent, {
 *   content: (text) => text.replace(/\d/g, "#"),
 *   prices: { inputTokens: 0.25, outputTokens: 2 },
 * });
 * ```
 */
export function recordTelemetry(
  source: TelemetrySource,
  options: TelemetryOptions = {},
): Disposable {
  checkObject(source, "source", "an Agent");
  const events = eventsOf(source);
  if (events || !source.edge) {
    checkMethods(events, "source.events", "an EventManager", ["subscribe"]);
  }
  const known = { attributes: true, content: true, prices: true };
  checkOptions(options, "options", known, "an object like { attributes }, or nothing");
  const { content = false, prices } = options;
  if (prices !== undefined) checkOptions(prices, "options.prices", PRICES);
  const recording: Recording = {
    attributes: { ...options.attributes },
    told: typeof content === "function" ? content : (text) => content ? text : undefined,
    prices,
  };
  const records = new DisposableStack();
  records.use(recordMetrics(source, events, recording));
  records.use(recordSpans(source, events, recording));
  return records;
}

/** Returns the events of the conversation; an agent without a model has none, and says so. */
function eventsOf(source: TelemetrySource): EventManager | undefined {
  try {
    return source.events;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
