/**
 * OpenTelemetry metrics and spans of a conversation, for the program's exporter. Deno has one built
 * in: `OTEL_DENO=true deno run ...` sends them to `OTEL_EXPORTER_OTLP_ENDPOINT`.
 *
 * @module
 */
import { type Attributes, metrics, SpanStatusCode, trace } from "npm:@opentelemetry/api@1.10.0";
import type { EventManager } from "../../events/event_manager.ts";
import {
  BargeInEvent,
  ConversationMetricsEvent,
  FalseInterruptionEvent,
  ReplyLatencyEvent,
  ToolCalledEvent,
} from "../../inference/contracts/events.ts";
import { checkMethods, checkObject } from "../../events/checks.ts";

/** Options for {@linkcode recordTelemetry}. */
export interface TelemetryOptions {
  /** Attributes of every metric and span, e.g. `{ agent: "helper" }`. */
  attributes?: { readonly [name: string]: string | number | boolean };
}

/**
 * Records what happens in a conversation until the result is disposed: histograms of voice-to-voice
 * and of each part of it (`ringline.voice_to_voice`, by `part`), of barge-in to silence and of tool
 * calls, counters of interruptions and false interruptions, gauges of what the components count
 * (`ringline.figure`), and a span for each answer, whose parts are its children.
 *
 * @example
 * ```ts
 * import { EventManager } from "@ringline/edge";
 * import { conversationEvents } from "@ringline/edge";
 * import { recordTelemetry } from "@ringline/edge/telemetry";
 *
 * const events = new EventManager(); // agent.events
 * events.register(...conversationEvents);
 * using _recording = recordTelemetry(events, { attributes: { agent: "helper" } });
 * ```
 */
export function recordTelemetry(events: EventManager, options: TelemetryOptions = {}): Disposable {
  checkMethods(events, "events", "an EventManager, e.g. agent.events", ["subscribe"]);
  checkObject(options, "options", "an object like { attributes }, or nothing");
  const attributes = options.attributes ?? {};
  const meter = metrics.getMeter("@ringline/edge");
  const unit = "ms";
  const replyLatency = meter.createHistogram("ringline.voice_to_voice", { unit });
  const bargeIn = meter.createHistogram("ringline.barge_in_to_silence", { unit });
  const toolCalls = meter.createHistogram("ringline.tool_call", { unit });
  const falseInterruptions = meter.createCounter("ringline.false_interruptions");
  const figures = meter.createGauge("ringline.figure");
  return events.subscribe(
    [
      ReplyLatencyEvent,
      BargeInEvent,
      FalseInterruptionEvent,
      ToolCalledEvent,
      ConversationMetricsEvent,
    ],
    (event) => {
      if (event instanceof ReplyLatencyEvent) {
        replyLatency.record(event.voiceToVoiceMs, { ...attributes, part: "all" });
        for (const [part, ms] of partsOf(event)) {
          replyLatency.record(ms, { ...attributes, part });
        }
        recordSpans(event, attributes);
      } else if (event instanceof BargeInEvent) bargeIn.record(event.silenceMs, attributes);
      else if (event instanceof FalseInterruptionEvent) falseInterruptions.add(1, attributes);
      else if (event instanceof ToolCalledEvent) {
        const { call: { name: tool }, result: { isError: failed }, durationMs } = event;
        toolCalls.record(durationMs, { ...attributes, tool, failed });
      } else {
        for (const [component, values] of Object.entries(event.figures)) {
          for (const [figure, value] of Object.entries(values)) {
            figures.record(value, { ...attributes, component, figure });
          }
        }
      }
    },
  );
}

/** Returns the parts of a reply, in the order in which they happen. */
function partsOf(event: ReplyLatencyEvent): [string, number][] {
  const { endOfTurnDelayMs, transcriptionDelayMs, llmMs, ttfbMs, playoutMs, overheadMs } = event;
  return [
    ["turn", endOfTurnDelayMs],
    ["stt", transcriptionDelayMs],
    ["llm", llmMs],
    ["tts", ttfbMs],
    ["own", overheadMs],
    ["playout", playoutMs],
  ];
}

/** Records a reply as a span that ends now, and its parts one after another. */
function recordSpans(event: ReplyLatencyEvent, attributes: Attributes): void {
  const tracer = trace.getTracer("@ringline/edge");
  const end = Date.now();
  let at = end - event.voiceToVoiceMs;
  tracer.startActiveSpan("reply", { startTime: at, attributes }, (span) => {
    span.setAttribute("ringline.preemptive", event.preemptive);
    for (const [part, ms] of partsOf(event)) {
      tracer.startSpan(part, { startTime: at, attributes }).end(at + ms);
      at += ms;
    }
    span.setStatus({ code: SpanStatusCode.OK });
    span.end(end);
  });
}
