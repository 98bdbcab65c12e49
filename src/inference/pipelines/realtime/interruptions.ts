/** How people interrupt an agent with a realtime model. @module */
import type { PipelineContext } from "../../pipeline_context.ts";
import type { RealtimeSession } from "../../contracts/realtime_llm.ts";
import type { SpeechOutput } from "../../speech/speech_output.ts";
import type { RealtimeListener } from "./realtime_listener.ts";
import type { RealtimeReplies } from "./realtime_replies.ts";
import type { ReplyRequests } from "./reply_requests.ts";
import type { UntoldNews } from "./untold_news.ts";
import { attempt } from "../../../events/user_code.ts";
import { BargeInEvent } from "../../contracts/events.ts";

/** What {@linkcode RealtimeInterruptions} needs. */
export interface RealtimeInterruptionsInit {
  context: PipelineContext;
  output: SpeechOutput;
  listener: RealtimeListener;
  requests: ReplyRequests;
  replies: RealtimeReplies;
  news: UntoldNews;
  /** Returns the session; `undefined` while there is none. */
  session: () => RealtimeSession | undefined;
  /** Returns the model's name. */
  name: () => string;
}

/** Knows whether people can interrupt the agent now, and ends what it says, generates and does. */
export class RealtimeInterruptions {
  readonly #init: RealtimeInterruptionsInit;

  constructor(init: RealtimeInterruptionsInit) {
    this.#init = init;
  }

  /** Whether people can interrupt the agent now. */
  get areAllowed(): boolean {
    const { output: { queue }, requests } = this.#init;
    // What waits does not protect what is said before it.
    const isProtected = queue.isBusy
      ? !queue.allowsInterruption || requests.isProtected
      : requests.protected.length > 0;
    return !isProtected && !this.areRefused;
  }

  /** Whether a tool runs during which people cannot interrupt the agent. */
  get areRefused(): boolean {
    return this.#init.context.toolLedger.running.values().some((run) => run.refusesInterruption);
  }

  /** Falls silent; without `all`, what people cannot interrupt is said later. */
  async interrupt({ all }: { all: boolean }): Promise<void> {
    const { requests, replies, output, context, news } = this.#init;
    requests.interrupt({ all });
    this.#interruptTools();
    for (const id of replies.silentIds) {
      if (!replies.requested(id)?.inText) this.interruptReply(id);
    }
    await output.queue.interrupt({ all });
    if (context.countPeople?.() === 0) news.askWhenHeard();
  }

  /** A person began to speak: the agent falls silent for them, where they can interrupt it. */
  bargeIn(): void {
    const { output: { queue }, context: { clock, emit }, listener, requests } = this.#init;
    if (!this.areAllowed) return;
    this.#interruptTools();
    if (!queue.isBusy) return;
    const { speaker: participant, speechStartedMs: from } = listener;
    requests.interrupt();
    queue.interrupt().then((discardedMs) => {
      emit(new BargeInEvent({ participant, silenceMs: clock.now() - from, discardedMs }));
    });
  }

  /** Interrupts a reply of which nothing is played yet. */
  interruptReply(id: string): void {
    const { replies, news } = this.#init;
    replies.drop(id);
    news.replyEnded(id, { isTold: false });
    this.sendInterruption(id, 0, "");
  }

  /** Sends the model how much was heard; the reply has ended, whether that works or not. */
  sendInterruption(id: string, heardMs: number, heardText: string): void {
    const { session, context, name } = this.#init;
    attempt(
      () => session()?.interrupt(id, heardMs, heardText),
      (error) => context.report(error, `interrupting ${name()}`),
    );
  }

  /** Interrupts the tools of what is said; what is written goes on. */
  #interruptTools(): void {
    for (const run of this.#init.context.toolLedger.running) if (!run.isInText) run.interrupt();
  }
}
