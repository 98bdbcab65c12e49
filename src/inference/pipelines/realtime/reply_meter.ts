/** What telemetry is told of the replies of a realtime model. @module */
import type { Clock } from "../../../events/clock.ts";
import { ModelResponseEvent } from "../../contracts/events.ts";
import type { FinishReason } from "../../contracts/llm.ts";
import type { RealtimeEvent, RealtimeLLM } from "../../contracts/realtime_llm.ts";

type ReplyEnded = Extract<RealtimeEvent, { type: "reply-ended" }>;
type Named = Pick<RealtimeLLM, "name" | "model" | "provider">;

/** What {@linkcode ReplyMeter} needs. */
export interface ReplyMeterInit {
  clock: Clock;
  llm: () => Named;
  emit: (event: ModelResponseEvent) => void;
}

/** A reply that the model has begun. */
interface MeteredReply {
  readonly llm: Named;
  readonly startedMs: number;
  ttftMs?: number;
  hasCalls: boolean;
}

/** Tells how each reply went: how long it took, why it ended, and its tokens. */
export class ReplyMeter {
  readonly #init: ReplyMeterInit;
  readonly #replies = new Map<string, MeteredReply>();

  constructor(init: ReplyMeterInit) {
    this.#init = init;
  }

  /** Notes an event of the session. */
  note(event: RealtimeEvent): void {
    switch (event.type) {
      case "reply-started":
        return void this.#start(event.replyId);
      case "text":
      case "audio":
      case "tool-call": {
        const reply = this.#replies.get(event.replyId) ?? this.#start(event.replyId);
        reply.ttftMs ??= this.#init.clock.now() - reply.startedMs;
        if (event.type === "tool-call") reply.hasCalls = true;
        return;
      }
      case "reply-ended":
        return this.#ended(event);
    }
  }

  /** No more comes of those in progress: their session was lost, or is closed. */
  endAll(error?: unknown): void {
    for (const reply of this.#replies.values()) {
      const outcome = error === undefined ? "cancelled" : "failed";
      this.#emit(reply, { outcome, error });
    }
    this.#replies.clear();
  }

  #start(id: string): MeteredReply {
    const { clock, llm } = this.#init;
    const reply = { llm: llm(), startedMs: clock.now(), hasCalls: false };
    this.#replies.set(id, reply);
    return reply;
  }

  #ended({ replyId, status = "completed", reason = "", error, usage }: ReplyEnded): void {
    const reply = this.#replies.get(replyId) ?? this.#start(replyId);
    this.#replies.delete(replyId);
    const isWhole = status === "completed" || status === "incomplete";
    const finished: FinishReason = status === "incomplete"
      ? cutBy(reason)
      : reply.hasCalls
      ? "tool-calls"
      : "stop";
    this.#emit(reply, {
      outcome: isWhole ? "complete" : status,
      error,
      finishReason: isWhole ? finished : undefined,
      inputTokens: usage?.inputTokens,
      outputTokens: usage?.outputTokens,
    });
  }

  #emit(
    { llm, startedMs, ttftMs }: MeteredReply,
    ended:
      & Pick<ModelResponseEvent, "outcome">
      & Partial<
        Pick<ModelResponseEvent, "error" | "finishReason" | "inputTokens" | "outputTokens">
      >,
  ): void {
    const { clock, emit } = this.#init;
    emit(
      new ModelResponseEvent({
        component: llm.name,
        model: llm.model,
        provider: llm.provider,
        error: undefined,
        finishReason: undefined,
        inputTokens: undefined,
        outputTokens: undefined,
        ...ended,
        durationMs: clock.now() - startedMs,
        ttftMs,
      }),
    );
  }
}

/** Returns the contract's word for what cut a reply off, in a service's words. */
function cutBy(reason: string): FinishReason {
  if (/token|length/i.test(reason)) return "length";
  return /filter|safety|prohibited|blocklist|spii|recitation/i.test(reason)
    ? "content-filter"
    : "other";
}
