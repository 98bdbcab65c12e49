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

/** The least time between two broadcasts: nobody reads faster, and a call has better to carry. */
const GAP_MS = 500;
/** The shortest and the longest wait that is a sensible one and that timers can do. */
const EVERY_MS = { least: 100, most: 86_400_000 };

/**
 * How everybody in the call is told the agent's figures: every few seconds, and at once after each
 * answer, interruption and false alarm, though never more than twice a second. They come as a custom
 * event of this shape; what there was none of yet is not there:
 *
 * ```ts
 * const event = {
 *   type: "metrics",
 *   // The latest answer, in milliseconds. See `ReplyLatencyEvent`.
 *   voiceToVoiceMs: 1010,
 *   parts: { endOfTurnDelayMs: 400, transcriptionDelayMs: 150, llmMs: 280, ttfbMs: 120, playoutMs: 60, overheadMs: 0 },
 *   // The latest interruption: from its first sound until the agent was silent.
 *   bargeInMs: 160,
 *   // All of them so far.
 *   bargeIns: 1,
 *   falseAlarms: 0,
 *   // The agent's own, then those of its components by their names.
 *   figures: { agent: { droppedSlots: 0, bufferedMs: 0 }, "openai-llm": { requests: 3 } },
 *   // How many components' figures were left out: a custom event has 5120 bytes at most.
 *   omitted: 1,
 * };
 * ```
 */
export interface BroadcastMetricsOptions {
  /** From 100 ms to a day. Default 5000. */
  everyMs?: number;
}

/** What {@linkcode ConversationMetrics} are made of. */
export interface ConversationMetricsInit {
  events: EventManager;
  clock: Clock;
  components: readonly Component[];
  /** Figures of the agent itself. */
  own: () => Readonly<Record<string, number>>;
  /** Sends a custom event; nothing is sent unless given. */
  broadcast?: (data: JsonValue) => Promise<void>;
  everyMs: number;
  report: Report;
}

/** Gives how often figures are told. @throws {RangeError} it is too often or too seldom. */
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
 * Gathers the figures of a conversation every few seconds: as an event, and, where wanted, as a
 * custom event to everybody. See {@linkcode BroadcastMetricsOptions} for what that carries and when
 * else it is sent.
 */
export class ConversationMetrics implements Disposable {
  readonly #init: ConversationMetricsInit;
  readonly #subscription: Disposable;
  readonly #metrics: readonly { readonly name: string; readonly hook: UserHook }[];
  #timer: Disposable | undefined;
  /** The broadcast to come, if there is one. */
  #next: Disposable | undefined;
  #sentAtMs = -Infinity;
  #saidOmitted = false;
  #answer: ReplyLatencyEvent | undefined;
  #bargeInMs: number | undefined;
  #bargeIns = 0;
  #falseAlarms = 0;

  constructor(init: ConversationMetricsInit) {
    this.#init = init;
    const { clock, report } = init;
    this.#metrics = init.components.map((one) => {
      const context = `the metrics of ${one.name}`;
      return {
        name: one.name,
        hook: new UserHook(() => one.metrics?.(), { clock, report, context }),
      };
    });
    this.#subscription = init.events.subscribe(
      [ReplyLatencyEvent, BargeInEvent, FalseInterruptionEvent],
      (event) => {
        if (event instanceof ReplyLatencyEvent) this.#answer = event;
        else if (event instanceof BargeInEvent) {
          this.#bargeIns++;
          this.#bargeInMs = event.silenceMs;
        } else this.#falseAlarms++;
        this.#broadcastSoon();
      },
    );
    this.#arrange();
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#next?.[Symbol.dispose]();
    this.#subscription[Symbol.dispose]();
  }

  #arrange(): void {
    const { clock, events, everyMs } = this.#init;
    this.#timer = clock.schedule(() => {
      this.#arrange();
      events.send(new ConversationMetricsEvent({ figures: this.#gather() }));
      this.#broadcastSoon();
    }, everyMs);
  }

  /** Never from within an event: an answer that begins has no time for messages. */
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
      answer: this.#answer,
      bargeInMs: this.#bargeInMs,
      bargeIns: this.#bargeIns,
      falseAlarms: this.#falseAlarms,
      figures: this.#gather(),
    });
    if (omitted.length > 0 && !this.#saidOmitted) {
      this.#saidOmitted = true;
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
