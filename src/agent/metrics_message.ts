/** The custom event that carries an agent's metrics. @module */
import type { JsonValue } from "../edge/types.ts";
import type { ReplyLatencyEvent } from "../inference/contracts/events.ts";
import { MAX_CUSTOM_EVENT_BYTES } from "../edge/custom_event.ts";
import { jsonByteLength } from "../edge/json.ts";

/** Metrics per component. */
export type Figures = Record<string, Readonly<Record<string, number>>>;

/** What {@linkcode metricsMessage} needs. */
export interface MetricsMessageInit {
  /** Of the latest reply. */
  latency: ReplyLatencyEvent | undefined;
  /** Of the latest interruption. */
  bargeInMs: number | undefined;
  bargeIns: number;
  falseInterruptions: number;
  /** The agent's own metrics come first. */
  figures: Figures;
}

/**
 * Creates the custom event, and lists the components whose metrics do not fit. The agent's own
 * metrics always fit; its components follow in order while there is room.
 */
export function metricsMessage(
  { latency, bargeInMs, bargeIns, falseInterruptions, figures }: MetricsMessageInit,
): { message: JsonValue; omitted: string[] } {
  const [own, ...components] = Object.entries(figures);
  const create = (included: [string, JsonValue][], omitted: number) => ({
    type: "metrics",
    ...latency && { voiceToVoiceMs: Math.round(latency.voiceToVoiceMs), parts: parts(latency) },
    ...bargeInMs !== undefined && { bargeInMs: Math.round(bargeInMs) },
    bargeIns,
    falseInterruptions,
    figures: Object.fromEntries(included),
    ...omitted > 0 && { omitted },
  });
  const included: [string, JsonValue][] = own ? [[own[0], rounded(own[1])]] : [];
  const omitted: string[] = [];
  for (const [name, values] of components) {
    const more: [string, JsonValue][] = [...included, [name, rounded(values)]];
    // Measured as if all components were omitted, so that their number always has room.
    if (jsonByteLength(create(more, components.length)) > MAX_CUSTOM_EVENT_BYTES) {
      omitted.push(name);
    } else included.push(more.at(-1)!);
  }
  return { message: create(included, omitted.length), omitted };
}

function parts(event: ReplyLatencyEvent): JsonValue {
  const { endOfTurnDelayMs, transcriptionDelayMs, llmMs, ttfbMs, playoutMs, overheadMs } = event;
  return rounded({ endOfTurnDelayMs, transcriptionDelayMs, llmMs, ttfbMs, playoutMs, overheadMs });
}

/** Rounds finite values and drops the others: NaN, as a mean of nothing is, cannot be sent as JSON. */
function rounded(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => Number.isFinite(value))
      .map(([name, value]) => [name, Math.round(10 * value) / 10]),
  );
}
