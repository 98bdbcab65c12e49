/** What is recorded, and how. @module */
import type { Attributes } from "npm:@opentelemetry/api@1.10.0";
import type { CallConnection } from "../../edge/call_connection.ts";
import type { EventManager } from "../../events/event_manager.ts";

/** What is recorded: an `Agent`. */
export interface TelemetrySource {
  /** The agent's events. An agent without a model has none, and throws a `TypeError` instead. */
  readonly events?: EventManager;
  /** Its edge, for the people of the call, and failures. */
  readonly edge?: {
    readonly events: EventManager;
    readonly connections?: Iterable<CallConnection>;
  };
  /**
   * Its connection, `undefined` until it has joined: an edge may serve many agents, and what belongs to
   * another's connection is not recorded. A source without this property records all of its edge.
   */
  readonly connection?: CallConnection;
  /** Who it is; names the spans. */
  readonly user?: { readonly id: string; readonly name?: string };
}

/** Prices, in one currency. */
export interface TelemetryPrices {
  /** For a million tokens that models are given. */
  inputTokens?: number;
  /** For a million tokens that models return. */
  outputTokens?: number;
  /** For an hour of sound that the recogniser is given. */
  sttHour?: number;
  /** For a million characters that the voice is given. */
  ttsCharacters?: number;
}

/** Options for {@linkcode recordTelemetry}. */
export interface TelemetryOptions {
  /** Attributes of every metric and span, e.g. `{ agent: "helper" }`. */
  attributes?: { readonly [name: string]: string | number | boolean };
  /**
   * Whether spans tell what was said, by people, the agent and tools; or a function that returns what
   * they tell of a text, e.g. without names and numbers. Default `false`.
   */
  content?: boolean | ((text: string) => string);
  /** Prices, for `ringline.cost`. Default: no cost is recorded. */
  prices?: TelemetryPrices;
}

/** Options, checked. */
export interface Recording {
  attributes: Attributes;
  /** Returns what is told of a text; `undefined` where nothing is. */
  told: (text: string) => string | undefined;
  prices: TelemetryPrices | undefined;
}
