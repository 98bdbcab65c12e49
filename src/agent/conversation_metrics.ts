/** Gathers the metrics of a conversation, and broadcasts them where wanted. @module */
import type { JsonValue } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { EventManager } from "../events/event_manager.ts";
import type { Component } from "../inference/contracts/component.ts";
import {
  BargeInEvent,
  ConversationMetricsEvent,
  FalseInterruptionEvent,
  ReplyLatencyEvent,
} from "../inference/contracts/events.ts";
import { attempt, type Expected, type Report, UserHook } from "../events/user_code.ts";
import { type Figures, metricsMessage } from "./metrics_message.ts";

type Metrics = Readonly<Record<string, number>>;

const metrics: Expected<Metrics | undefined> = {
  what: "an object of numbers",
  is: (value): value is Metrics | undefined =>
    value === undefined ||
    typeof value === "object" && value !== null && !Array.isArray(value) && !("then" in value) &&
      Object.values(value).every((one) => typeof one === "number"),
};

/** The least time between two broadcasts: no person reads faster. */
const GAP_MS = 500;
/** The shortest and the longest interval. A timer cannot wait much longer. */
const EVERY_MS = { least: 100, most: 86_400_000 };

/**
 * Options for the broadcast of an agent's metrics. The agent sends them to all participants every few
 * seconds, and immediately after each reply, interruption and false interruption, though never more
 * than twice a second, as a custom event of this shape; what has not happened yet is left out:
 *
 * ```ts
 * const event = {
 *   type: "metrics",
 *   // The latest reply, in milliseconds. See `ReplyLatencyEvent`.
 *   voiceToVoiceMs: 1010,
 *   parts: {
 *     endOfTurnDelayMs: 400,
 *     transcriptionDelayMs: 150,
 *     llmMs: 280,
 *     ttfbMs: 120,
 *     playoutMs: 60,
 *     overheadMs: 0,
 *   },
 *   // The latest interruption: from its first sound until the agent stopped speaking.
 *   bargeInMs: 160,
 *   // All of them so far.
 *   bargeIns: 1,
 *   falseInterruptions: 0,
 *   // The agent's own metrics, then those of its components by name.
 *   figures: { agent: { droppedSlots: 0, bufferedMs: 0 }, "openai-llm": { requests: 3 } },
 *   // How many components were left out: a custom event has 5120 bytes at most.
 *   omitted: 1,
 * };
 * ```
 */
export interface BroadcastMetricsOptions {
  /** From 100 ms to a day. Default 5000. */
  everyMs?: number;
}

/** What {@linkcode ConversationMetrics} needs. */
export interface ConversationMetricsInit {
  events: EventManager;
  clock: Clock;
  components: readonly Component[];
  /** Returns the metrics of the agent itself. */
  own: () => Readonly<Record<string, number>>;
  /** Sends a custom event. Default: no broadcast. */
  broadcast?: (data: JsonValue) => Promise<void>;
  everyMs: number;
  report: Report;
}

/** Returns the interval in milliseconds. @throws {RangeError} it is too short or too long. */
export function metricsEveryMs(broadcast: boolean | BroadcastMetricsOptions = false): number {
  const { everyMs = 5000 } = typeof broadcast === "object" ? broadcast : {};
  if (!(everyMs >= EVERY_MS.least && everyMs <= EVERY_MS.most)) {
    throw new RangeError(
      `broadcastMetrics.everyMs: expected ${EVERY_MS.least} to ${EVERY_MS.most}, got ${everyMs}`,
    );
  }
  return everyMs;
}

/**
 * Gathers the metrics of a conversation every few seconds: emits an event and, where wanted, sends a
 * custom event to all participants. See {@linkcode BroadcastMetricsOptions} for its content and for
 * when else it is sent.
 */
export class ConversationMetrics implements Disposable {
  readonly #init: ConversationMetricsInit;
  readonly #subscription: Disposable;
  #metrics: readonly { readonly name: string; readonly hook: UserHook }[] = [];
  #timer: Disposable | undefined;
  /** The scheduled broadcast, if there is one. */
  #next: Disposable | undefined;
  #sentAtMs = -Infinity;
  #reportedOmitted = false;
  #latency: ReplyLatencyEvent | undefined;
  #bargeInMs: number | undefined;
  #bargeIns = 0;
  #falseInterruptions = 0;

  constructor(init: ConversationMetricsInit) {
    this.#init = init;
    this.use(init.components);
    this.#subscription = init.events.subscribe(
      [ReplyLatencyEvent, BargeInEvent, FalseInterruptionEvent],
      (event) => {
        if (event instanceof ReplyLatencyEvent) this.#latency = event;
        else if (event instanceof BargeInEvent) {
          this.#bargeIns++;
          this.#bargeInMs = event.silenceMs;
        } else this.#falseInterruptions++;
        this.#broadcastSoon();
      },
    );
    this.#scheduleNext();
  }

  /** Gathers the metrics of these components from now on. */
  use(components: readonly Component[]): void {
    const { clock, report } = this.#init;
    this.#metrics = components.map((one) => {
      const context = `the metrics of ${one.name}`;
      return {
        name: one.name,
        hook: new UserHook(() => one.metrics?.(), { clock, report, context }),
      };
    });
  }

  /** Tells the last figures: what has happened since the ones before would be counted by no one. */
  end(): void {
    this[Symbol.dispose]();
    this.#init.events.send(new ConversationMetricsEvent({ figures: this.#gather() }));
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#next?.[Symbol.dispose]();
    this.#subscription[Symbol.dispose]();
  }

  #scheduleNext(): void {
    const { clock, events, everyMs } = this.#init;
    this.#timer = clock.schedule(() => {
      this.#scheduleNext();
      events.send(new ConversationMetricsEvent({ figures: this.#gather() }));
      this.#broadcastSoon();
    }, everyMs);
  }

  /** Broadcasts in a later turn: a reply that begins has no time for messages. */
  #broadcastSoon(): void {
    const { clock, broadcast } = this.#init;
    if (!broadcast || this.#next) return;
    this.#next = clock.schedule(() => {
      this.#next = undefined;
      this.#sentAtMs = clock.now();
      this.#broadcast(broadcast);
    }, Math.max(0, this.#sentAtMs + GAP_MS - clock.now()));
  }

  #broadcast(send: (data: JsonValue) => Promise<void>): void {
    const { report } = this.#init;
    const context = "broadcasting the metrics";
    const { message, omitted } = metricsMessage({
      latency: this.#latency,
      bargeInMs: this.#bargeInMs,
      bargeIns: this.#bargeIns,
      falseInterruptions: this.#falseInterruptions,
      figures: this.#gather(),
    });
    if (omitted.length > 0 && !this.#reportedOmitted) {
      this.#reportedOmitted = true;
      const names = omitted.join(", ");
      report(new RangeError(`a custom event has no room for the figures of ${names}`), context);
    }
    attempt(() => send(message), (error) => report(error, context));
  }

  #gather(): Figures {
    const figures: Figures = { agent: this.#init.own() };
    for (const { name, hook } of this.#metrics) {
      const found = hook.ask(undefined, undefined, metrics);
      if (found) figures[name] = found;
    }
    return figures;
  }
}
