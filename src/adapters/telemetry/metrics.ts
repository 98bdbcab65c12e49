/** The metrics of an agent. @module */
import { type Attributes, metrics } from "npm:@opentelemetry/api@1.10.0";
import {
  BargeInEvent,
  ConversationMetricsEvent,
  FalseInterruptionEvent,
  ModelResponseEvent,
  ReplyLatencyEvent,
  ToolCalledEvent,
} from "../../inference/contracts/events.ts";
import { ErrorEvent } from "../../edge/events.ts";
import type { EventManager } from "../../events/event_manager.ts";
import { genAi, seconds, typeOf } from "./conventions.ts";
import { recordAudioStats } from "./audio_stats.ts";
import { subscribeToOwn } from "./own_events.ts";
import { recordPeople } from "./people.ts";
import type { Recording, TelemetryPrices, TelemetrySource } from "./recording.ts";

/**
 * Bounds of the buckets, in seconds: fine where a reply is quick or slow for a person who waits, as the
 * usual ones are not.
 */
const SECONDS = [
  ...[0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5],
  ...[1.75, 2, 2.5, 3, 4, 5, 7.5, 10, 20, 40, 80],
];
/** Bounds of the buckets of tokens, as the conventions say: powers of four. */
const TOKENS = Array.from({ length: 14 }, (_, n) => 4 ** n);
/** The parts of a reply, in the order in which they happen. */
const PARTS = [
  ["end_of_turn", "endOfTurnDelayMs"],
  ["stt", "transcriptionDelayMs"],
  ["llm", "llmMs"],
  ["tts", "ttfbMs"],
  ["own", "overheadMs"],
  ["playout", "playoutMs"],
] as const;

/** Returns the parts of a reply, in milliseconds, in the order in which they happen. */
export function partsOf(event: ReplyLatencyEvent): [string, number][] {
  return PARTS.map(([part, name]) => [part, event[name]]);
}

/** Records the metrics until the result is disposed. */
export function recordMetrics(
  source: TelemetrySource,
  events: EventManager | undefined,
  { attributes, prices }: Recording,
): Disposable {
  const meter = metrics.getMeter("@ringline/edge");
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, {
      description,
      unit: "s",
      advice: { explicitBucketBoundaries: SECONDS },
    });
  const replies = histogram("ringline.voice_to_voice", "From a person's last sound to the reply");
  const bargeIns = histogram("ringline.barge_in.silence", "From a person's first sound to silence");
  const models = histogram("gen_ai.client.operation.duration", "Responses of language models");
  const firsts = histogram("gen_ai.client.operation.time_to_first_chunk", "Until the first part");
  const tools = histogram("gen_ai.execute_tool.duration", "Calls of tools");
  const usage = meter.createHistogram("gen_ai.client.token.usage", {
    description: "Tokens of a request",
    unit: "{token}",
    advice: { explicitBucketBoundaries: TOKENS },
  });
  const tokens = meter.createCounter("ringline.llm.tokens", { unit: "{token}" });
  const audio = meter.createCounter("ringline.stt.audio", { unit: "s" });
  const characters = meter.createCounter("ringline.tts.characters", { unit: "{character}" });
  const cost = meter.createCounter("ringline.cost", { unit: "{currency}" });
  const falseInterruptions = meter.createCounter("ringline.false_interruptions");
  const errors = meter.createCounter("ringline.errors");
  const figures = meter.createGauge("ringline.figure");

  const charge = (what: keyof TelemetryPrices, amount: number, extra: Attributes = {}) => {
    const price = prices?.[what];
    if (price) cost.add(price * amount, { ...attributes, ...extra, of: what });
  };
  const stt = new Growth();
  const tts = new Growth();

  const records = new DisposableStack();
  if (events) {
    records.use(events.subscribe(
      [
        ReplyLatencyEvent,
        BargeInEvent,
        FalseInterruptionEvent,
        ModelResponseEvent,
        ToolCalledEvent,
        ConversationMetricsEvent,
      ],
      (event) => {
        if (event instanceof ReplyLatencyEvent) {
          replies.record(seconds(event.voiceToVoiceMs), { ...attributes, part: "all" });
          for (const [part, ms] of partsOf(event)) {
            replies.record(seconds(ms), { ...attributes, part });
          }
        } else if (event instanceof BargeInEvent) {
          bargeIns.record(seconds(event.silenceMs), attributes);
        } else if (event instanceof FalseInterruptionEvent) falseInterruptions.add(1, attributes);
        else if (event instanceof ModelResponseEvent) {
          const named = { ...attributes, ...genAi(event) };
          const failed = event.outcome === "complete" ? {} : { "error.type": typeOf(event) };
          models.record(seconds(event.durationMs), { ...named, ...failed });
          if (event.ttftMs !== undefined) firsts.record(seconds(event.ttftMs), named);
          for (const type of ["input", "output"] as const) {
            const count = event[`${type}Tokens`];
            if (count === undefined) continue;
            usage.record(count, { ...named, "gen_ai.token.type": type });
            tokens.add(count, { ...named, "gen_ai.token.type": type });
            charge(`${type}Tokens`, count / 1e6, named);
          }
        } else if (event instanceof ToolCalledEvent) {
          const { call: { name }, result: { isError }, durationMs } = event;
          tools.record(seconds(durationMs), {
            ...attributes,
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            ...isError && { "error.type": "tool_error" },
          });
        } else {
          const sent = seconds(stt.to(event.figures.agent?.sttAudioMs));
          audio.add(sent, attributes);
          charge("sttHour", sent / 3600);
          const spoken = tts.to(event.figures.agent?.ttsCharacters);
          characters.add(spoken, attributes);
          charge("ttsCharacters", spoken / 1e6);
          for (const [component, values] of Object.entries(event.figures)) {
            for (const [figure, value] of Object.entries(values)) {
              figures.record(value, { ...attributes, component, figure });
            }
          }
        }
      },
    ));
  }
  records.use(subscribeToOwn(source, [ErrorEvent], (event) => {
    if (isFirst(event)) errors.add(1, { ...attributes, "error.type": typeOf(event) });
  }));
  records.use(recordPeople(source, attributes));
  records.use(recordAudioStats(source, attributes));
  return records;
}

/** Failures of an edge, which belong to no connection: all of its agents are told, and one counts. */
const counted = new WeakSet<ErrorEvent>();

function isFirst(event: ErrorEvent): boolean {
  if (counted.has(event)) return false;
  counted.add(event);
  return true;
}

/** The growth of a figure. One that is smaller than before has begun anew. */
export class Growth {
  #value = 0;

  /** Returns by how much it has grown to `value`. */
  to(value = 0): number {
    const grown = value - this.#value;
    this.#value = value;
    return grown < 0 ? value : grown;
  }
}
