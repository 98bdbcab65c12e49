/** How replies of a realtime model end: whole, cut short, cut off, silent, or with their session. @module */
import { attempt } from "../../../events/user_code.ts";
import { InferenceError } from "../../contracts/errors.ts";
import type { RealtimeEvent, RealtimeSession } from "../../contracts/realtime_llm.ts";
import type { PipelineContext } from "../../pipeline_context.ts";
import type { RealtimeListener } from "./realtime_listener.ts";
import type { RealtimeReplies } from "./realtime_replies.ts";
import type { RealtimeTools } from "./realtime_tools.ts";
import type { ReplyRequests } from "./reply_requests.ts";

type ReplyEnded = Extract<RealtimeEvent, { type: "reply-ended" }>;

/** What {@linkcode ReplyEndings} needs. */
export interface ReplyEndingsInit {
  context: Pick<PipelineContext, "report">;
  replies: RealtimeReplies;
  requests: ReplyRequests;
  tools: RealtimeTools;
  listener: RealtimeListener;
  session: () => RealtimeSession | undefined;
  /** The model's name, for errors. */
  name: () => string;
  /** A reply has ended, and is not asked for again. */
  onOver: () => void;
}

/**
 * Ends replies: releases who waits for them, asks again for what came to nothing, and reports what
 * failed.
 */
export class ReplyEndings {
  readonly #init: ReplyEndingsInit;

  constructor(init: ReplyEndingsInit) {
    this.#init = init;
  }

  /** The model has ended a reply. */
  ended({ replyId: id, status = "completed", reason, error }: ReplyEnded): void {
    const { context, replies, requests, tools, listener, name, onOver } = this.#init;
    if (status === "cancelled" && this.#isOnlyText(id)) return this.#askAgain(id);
    const isCut = status === "incomplete" || status === "failed";
    const failure = isCut
      ? error ?? this.failure(`the reply is ${status}${reason ? `: ${reason}` : ""}`, reason)
      : undefined;
    const hasSpeech = replies.hasSpeech(id);
    const requested = replies.end(id, failure);
    const isOver = status === "cancelled";
    const goesOn = tools.replyEnded(id, { isCut: status === "incomplete", isOver });
    // What the application asked for is not begun from the front again once it was heard.
    if (status === "failed" && !goesOn && !(hasSpeech && requested)) {
      return void requests.failed(id, failure!);
    }
    onOver();
    if (status === "completed" && !requested) listener.replied();
    if (failure && !hasSpeech) context.report(failure, name());
    const isWhole = hasSpeech || goesOn || status === "completed";
    requested?.release(isWhole ? undefined : { text: "", interrupted: true });
    requests.ended(id);
  }

  /** Nothing comes of a reply any more, although it is not over. */
  stalled(replyId: string): void {
    const error = this.failure("nothing comes of a reply", "timeout", true);
    attempt(() => this.#init.session()?.interrupt(replyId, 0), () => {});
    this.ended({ type: "reply-ended", replyId, status: "failed", error });
  }

  /** The session was lost. What was not heard, and did nothing, is asked of the next one. */
  lost(): void {
    const { replies, requests } = this.#init;
    const message = "the session was lost in the middle of a reply";
    const { requestedId: id } = requests;
    if (id !== undefined && this.#isUnheard(id)) {
      replies.takeBack(id);
      requests.failed(id, this.failure(message, "cut-off", true));
    }
    replies.endAll(this.failure(message));
  }

  /** Returns the error of a reply that failed. */
  failure(what: string, code = "failed", retryable = false): InferenceError {
    return new InferenceError(`${this.#init.name()}: ${what}`, { code, retryable });
  }

  /** Whether a reply is wanted of which there is but text: a person who speaks does not interrupt it. */
  #isOnlyText(id: string): boolean {
    return this.#init.replies.requested(id)?.inText === true && this.#isUnheard(id);
  }

  /** Whether a reply is wanted of which nothing is said, nor called. */
  #isUnheard(id: string): boolean {
    const { replies, tools } = this.#init;
    const requested = replies.requested(id);
    if (requested?.isInterrupted || tools.hasCalls(id)) return false;
    return requested?.inText || !replies.hasSpeech(id);
  }

  /** The service has cut off, as a person spoke, what is not said: it is asked again after them. */
  #askAgain(id: string): void {
    const { replies, requests, tools } = this.#init;
    const requested = replies.requested(id)!;
    requested.isCutOff = true;
    replies.takeBack(id);
    tools.replyEnded(id, { isCut: false, isOver: true });
    const error = this.failure("the service cut off a reply, as a person spoke", "cut-off", true);
    if (!requests.failed(id, error)) requested.interrupt();
  }
}
