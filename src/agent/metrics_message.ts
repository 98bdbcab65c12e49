import type { JsonValue } from "../edge/types.ts";
import type { ReplyLatencyEvent } from "../inference/contracts/events.ts";
import { MAX_CUSTOM_EVENT_BYTES } from "../edge/custom_event.ts";

/** Figures by component. */
export type Figures = Record<string, Readonly<Record<string, number>>>;

/** What a message to everybody is made of. */
export interface MetricsMessageInit {
  /** The latest. */
  answer: ReplyLatencyEvent | undefined;
  /** Of the latest interruption. */
  bargeInMs: number | undefined;
  bargeIns: number;
  falseAlarms: number;
  /** The agent's own come first. */
  figures: Figures;
}

/**
 * Makes a custom event of figures, and tells whose figures it has no room for. What the agent says of
 * itself is always in it; components come as long as there is room, in their order.
 */
export function metricsMessage(
  { answer, bargeInMs, bargeIns, falseAlarms, figures }: MetricsMessageInit,
): { message: JsonValue; omitted: string[] } {
  const [own, ...components] = Object.entries(figures);
  const make = (told: [string, JsonValue][], omitted: number) => ({
    type: "metrics",
    ...answer && { voiceToVoiceMs: Math.round(answer.voiceToVoiceMs), parts: parts(answer) },
    ...bargeInMs !== undefined && { bargeInMs: Math.round(bargeInMs) },
    bargeIns,
    falseAlarms,
    figures: Object.fromEntries(told),
    ...omitted > 0 && { omitted },
  });
  const told: [string, JsonValue][] = own ? [[own[0], rounded(own[1])]] : [];
  const omitted: string[] = [];
  for (const [name, values] of components) {
    const more: [string, JsonValue][] = [...told, [name, rounded(values)]];
    // As if all the others were to be left out, so that telling how many always has room.
    if (byteLength(make(more, components.length)) > MAX_CUSTOM_EVENT_BYTES) omitted.push(name);
    else told.push(more.at(-1)!);
  }
  return { message: make(told, omitted.length), omitted };
}

function parts(event: ReplyLatencyEvent): JsonValue {
  const { endOfTurnDelayMs, transcriptionDelayMs, llmMs, ttfbMs, playoutMs, overheadMs } = event;
  return rounded({ endOfTurnDelayMs, transcriptionDelayMs, llmMs, ttfbMs, playoutMs, overheadMs });
}

/** What is no number, such as a mean of nothing, is no JSON either, and would cost all the others. */
function rounded(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => Number.isFinite(value))
      .map(([name, value]) => [name, Math.round(10 * value) / 10]),
  );
}

function byteLength(data: JsonValue): number {
  return new TextEncoder().encode(JSON.stringify(data)).byteLength;
}
