import type { JsonValue } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { EventManager } from "../events/event_manager.ts";
import type { Component } from "../inference/component.ts";
import {
  BargeInEvent,
  ConversationMetricsEvent,
  FalseAlarmEvent,
  VoiceToVoiceEvent,
} from "../inference/events.ts";

/** Whether and how often everybody in the call is told the agent's figures. */
export interface BroadcastMetricsOptions {
  /** Default 5000. */
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
  report: (error: unknown, context: string) => void;
}

/**
 * Gathers the figures of a conversation every few seconds: as an event, and, where wanted, as a
 * custom event to everybody: `{ type: "metrics", voiceToVoiceMs, parts, bargeIns, falseAlarms,
 * figures }`, of which the first two belong to the latest answer.
 */
export class ConversationMetrics implements Disposable {
  readonly #init: ConversationMetricsInit;
  readonly #subscription: Disposable;
  #timer: Disposable | undefined;
  #latest: VoiceToVoiceEvent | undefined;
  #bargeIns = 0;
  #falseAlarms = 0;

  constructor(init: ConversationMetricsInit) {
    this.#init = init;
    this.#subscription = init.events.subscribe(
      [VoiceToVoiceEvent, BargeInEvent, FalseAlarmEvent],
      (event) => {
        if (event instanceof VoiceToVoiceEvent) this.#latest = event;
        else if (event instanceof BargeInEvent) this.#bargeIns++;
        else this.#falseAlarms++;
      },
    );
    this.#arrange();
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#subscription[Symbol.dispose]();
  }

  #arrange(): void {
    const { clock, everyMs } = this.#init;
    this.#timer = clock.schedule(() => {
      this.#arrange();
      this.#tell();
    }, everyMs);
  }

  #tell(): void {
    const { events, components, own, broadcast, report } = this.#init;
    const figures: Record<string, Readonly<Record<string, number>>> = { agent: own() };
    for (const component of components) {
      const found = component.metrics?.();
      if (found) figures[component.name] = found;
    }
    events.send(new ConversationMetricsEvent({ figures }));
    if (!broadcast) return;
    const latest = this.#latest;
    const { turnMs = 0, sttMs = 0, llmMs = 0, ttsMs = 0, playoutMs = 0, ownMs = 0 } = latest ?? {};
    const data = {
      type: "metrics",
      ...latest && {
        voiceToVoiceMs: Math.round(latest.voiceToVoiceMs),
        parts: rounded({ turnMs, sttMs, llmMs, ttsMs, playoutMs, ownMs }),
      },
      bargeIns: this.#bargeIns,
      falseAlarms: this.#falseAlarms,
      figures: Object.fromEntries(
        Object.entries(figures).map(([name, values]) => [name, rounded(values)]),
      ),
    };
    broadcast(data).catch((error) => report(error, "broadcasting the metrics"));
  }
}

function rounded(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Math.round(10 * value) / 10]),
  );
}
