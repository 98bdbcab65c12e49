/** The metrics of an agent. @module */
import { type Attributes, type Histogram, metrics } from "npm:@opentelemetry/api@1.10.0";
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
  recording: Recording,
): Disposable {
  const { attributes } = recording;
  const agent = new AgentMetrics(recording);
  const records = new DisposableStack();
  if (events) {
    records.use(events.subscribe(ReplyLatencyEvent, (event) => agent.replyBegan(event)));
    records.use(events.subscribe(BargeInEvent, (event) => agent.interrupted(event)));
    records.use(events.subscribe(FalseInterruptionEvent, () => agent.interruptedInVain()));
    records.use(events.subscribe(ModelResponseEvent, (event) => agent.modelResponded(event)));
    records.use(events.subscribe(ToolCalledEvent, (event) => agent.toolCalled(event)));
    records.use(events.subscribe(ConversationMetricsEvent, (event) => agent.measured(event)));
  }
  records.use(subscribeToOwn(source, [ErrorEvent], (event) => agent.failed(event)));
  records.use(recordPeople(source, attributes));
  records.use(recordAudioStats(source, attributes));
  return records;
}

/** The instruments of an agent, and what each event adds to them. */
class AgentMetrics {
  readonly #meter = metrics.getMeter("@ringline/edge");
  readonly #replies = this.#histogram(
    "ringline.voice_to_voice",
    "From a person's last sound to the reply",
  );
  readonly #bargeIns = this.#histogram(
    "ringline.barge_in.silence",
    "From a person's first sound to silence",
  );
  readonly #models = this.#histogram(
    "gen_ai.client.operation.duration",
    "Responses of language models",
  );
  readonly #firsts = this.#histogram(
    "gen_ai.client.operation.time_to_first_chunk",
    "Until the first part",
  );
  readonly #tools = this.#histogram("gen_ai.execute_tool.duration", "Calls of tools");
  readonly #usage = this.#meter.createHistogram("gen_ai.client.token.usage", {
    description: "Tokens of a request",
    unit: "{token}",
    advice: { explicitBucketBoundaries: TOKENS },
  });
  readonly #tokens = this.#meter.createCounter("ringline.llm.tokens", { unit: "{token}" });
  readonly #audio = this.#meter.createCounter("ringline.stt.audio", { unit: "s" });
  readonly #characters = this.#meter.createCounter("ringline.tts.characters", {
    unit: "{character}",
  });
  readonly #cost = this.#meter.createCounter("ringline.cost", { unit: "{currency}" });
  readonly #falseInterruptions = this.#meter.createCounter("ringline.false_interruptions");
  readonly #errors = this.#meter.createCounter("ringline.errors");
  readonly #figures = this.#meter.createGauge("ringline.figure");
  readonly #attributes: Attributes;
  readonly #prices: TelemetryPrices | undefined;
  readonly #sttAudioMs = new Growth();
  readonly #ttsCharacters = new Growth();

  constructor({ attributes, prices }: Recording) {
    this.#attributes = attributes;
    this.#prices = prices;
  }

  replyBegan(event: ReplyLatencyEvent): void {
    this.#replies.record(seconds(event.voiceToVoiceMs), { ...this.#attributes, part: "all" });
    for (const [part, ms] of partsOf(event)) {
      this.#replies.record(seconds(ms), { ...this.#attributes, part });
    }
  }

  interrupted({ silenceMs }: BargeInEvent): void {
    this.#bargeIns.record(seconds(silenceMs), this.#attributes);
  }

  interruptedInVain(): void {
    this.#falseInterruptions.add(1, this.#attributes);
  }

  modelResponded(event: ModelResponseEvent): void {
    const named = { ...this.#attributes, ...genAi(event) };
    const failed = event.outcome === "complete" ? {} : { "error.type": typeOf(event) };
    this.#models.record(seconds(event.durationMs), { ...named, ...failed });
    if (event.ttftMs !== undefined) this.#firsts.record(seconds(event.ttftMs), named);
    for (const type of ["input", "output"] as const) {
      const count = event[`${type}Tokens`];
      if (count === undefined) continue;
      this.#usage.record(count, { ...named, "gen_ai.token.type": type });
      this.#tokens.add(count, { ...named, "gen_ai.token.type": type });
      this.#charge(`${type}Tokens`, count / 1e6, named);
    }
  }

  toolCalled({ call: { name }, result: { isError }, durationMs }: ToolCalledEvent): void {
    this.#tools.record(seconds(durationMs), {
      ...this.#attributes,
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": name,
      ...isError && { "error.type": "tool_error" },
    });
  }

  measured({ figures }: ConversationMetricsEvent): void {
    const sent = seconds(this.#sttAudioMs.to(figures.agent?.sttAudioMs));
    this.#audio.add(sent, this.#attributes);
    this.#charge("sttHour", sent / 3600, this.#attributes);
    const spoken = this.#ttsCharacters.to(figures.agent?.ttsCharacters);
    this.#characters.add(spoken, this.#attributes);
    this.#charge("ttsCharacters", spoken / 1e6, this.#attributes);
    for (const [component, values] of Object.entries(figures)) {
      for (const [figure, value] of Object.entries(values)) {
        this.#figures.record(value, { ...this.#attributes, component, figure });
      }
    }
  }

  failed(event: ErrorEvent): void {
    if (!isFirst(event)) return;
    this.#errors.add(1, { ...this.#attributes, "error.type": typeOf(event) });
  }

  #histogram(name: string, description: string): Histogram {
    const advice = { explicitBucketBoundaries: SECONDS };
    return this.#meter.createHistogram(name, { description, unit: "s", advice });
  }

  #charge(what: keyof TelemetryPrices, amount: number, attributes: Attributes): void {
    const price = this.#prices?.[what];
    if (price) this.#cost.add(price * amount, { ...attributes, of: what });
  }
}

/** Failures of an edge, which belong to no connection: all of its agents are told, and one counts. */
const counted = new WeakSet<ErrorEvent>();

function isFirst(event: ErrorEvent): boolean {
  if (counted.has(event)) return false;
  counted.add(event);
  return true;
}

/** The growth of a figure. One that is smaller than before has begun anew. */
class Growth {
  #value = 0;

  /** Returns by how much it has grown to `value`. */
  to(value = 0): number {
    const grown = value - this.#value;
    this.#value = value;
    return grown < 0 ? value : grown;
  }
}
