/** What telemetry is told of a model's response. @module */
import type { Clock } from "../../events/clock.ts";
import { ModelResponseEvent } from "../contracts/events.ts";
import type { LLM, LLMPart } from "../contracts/llm.ts";

/** Options for {@linkcode metered}. */
export interface MeterOptions {
  llm: Pick<LLM, "name" | "model" | "provider">;
  clock: Clock;
  /** Aborted when the response is not needed any more, or takes too long. */
  signal: AbortSignal;
  /** Called once, when the response has ended. */
  onEnded: (event: ModelResponseEvent) => void;
}

/** Passes on the parts of a response, and tells how it went. */
export async function* metered(
  parts: AsyncIterable<LLMPart>,
  { llm, clock, signal, onEnded }: MeterOptions,
): AsyncGenerator<LLMPart, void, void> {
  const startedMs = clock.now();
  let ttftMs: number | undefined;
  let usage: Extract<LLMPart, { type: "usage" }> | undefined;
  let finish: Extract<LLMPart, { type: "finish" }> | undefined;
  let outcome: ModelResponseEvent["outcome"] = "cancelled";
  let error: unknown;
  try {
    for await (const part of parts) {
      if (part.type === "usage") usage = part;
      else if (part.type === "finish") finish = part;
      else ttftMs ??= clock.now() - startedMs;
      yield part;
    }
    outcome = "complete";
  } catch (thrown) {
    const { reason } = signal;
    const isCancelled = signal.aborted && reason instanceof DOMException &&
      reason.name === "AbortError";
    if (!isCancelled) [outcome, error] = ["failed", thrown];
    throw thrown;
  } finally {
    onEnded(
      new ModelResponseEvent({
        component: llm.name,
        model: llm.model,
        provider: llm.provider,
        outcome,
        error,
        durationMs: clock.now() - startedMs,
        ttftMs,
        inputTokens: usage?.inputTokens,
        outputTokens: usage?.outputTokens,
        finishReason: finish?.reason,
      }),
    );
  }
}
