/** The one place that decides when the agent replies. @module */
import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import type { ChatContext } from "../history/chat_context.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { InterruptionHandler } from "../turns/interruption_handler.ts";
import type { UnheardSpeechTimeout } from "../turns/unheard_speech_timeout.ts";
import type { UserTurn } from "../turns/user_turn.ts";
import type { TurnEndReason, UserTurnObserver } from "../turns/user_turn_observer.ts";
import type { Reply } from "./reply.ts";
import type { ReplyGenerator } from "./reply_generator.ts";
import type { TurnCompletion, UserTurnChange } from "./turn_completion.ts";

/** What {@linkcode ReplyScheduler} needs. */
export interface ReplySchedulerInit {
  chat: Pick<ChatContext, "appendUserMessage" | "messages">;
  generator: Pick<ReplyGenerator, "generatePreemptively" | "replyTo" | "discard">;
  interruption: Pick<InterruptionHandler, "inProgress" | "isUndecided" | "isBackchannel">;
  unheardSpeech: Pick<UnheardSpeechTimeout, "remainingMs">;
  /** Returns the turns in progress. */
  turnsInProgress: () => readonly UserTurn[];
  /** Whether replies are generated while a turn may still go on. */
  preemptive: boolean;
  /** Whether the agent replies to a turn; what it does not reply to is remembered all the same. */
  shouldReply: (
    turn: { readonly participant: Participant; readonly text: string },
    reason?: TurnEndReason,
  ) => boolean;
  /** Whether the agent says something, or is about to. */
  isSpeaking: () => boolean;
  /** What the application makes of turns that are over. */
  completion?: Pick<TurnCompletion, "ask" | "close">;
  /**
   * Whether all that a participant hears of what is being said can be interrupted: otherwise their turns
   * count as after it.
   */
  allowsInterruption: (participant: Participant) => boolean;
  /** Whether a turn is forgotten, as what was being said is more important. */
  discards?: (turn: UserTurn) => boolean;
  /** Throws a RangeError where no more can be said. */
  checkCapacity: () => void;
  /** Speaks the reply to a turn. */
  onReply: (reply: Reply, turn: UserTurn) => void;
  /** Speaks a reply to what has become known, of which people have not been told. */
  onNews: () => void;
}

type SchedulerContext = Pick<PipelineContext, "clock" | "report" | "countPeople" | "untilHeard">;

/**
 * Decides when the agent replies: when a turn is over and no other is in progress. Turns that end
 * meanwhile are replied to together, as the latest of them.
 */
export class ReplyScheduler implements UserTurnObserver {
  readonly #context: SchedulerContext;
  readonly #init: ReplySchedulerInit;
  /** The latest turn that is over and not replied to yet. */
  #pending: UserTurn | undefined;
  #timer: Disposable | undefined;
  #adding = Promise.resolve();
  /** How many turns are over of which it is not decided yet whether they get a reply. */
  #undecided = 0;
  /** The messages of the turns that the reply to the pending turn is to. */
  #prompts: ChatMessage[] = [];
  /** What the model is told besides in the reply to the pending turn. */
  #contexts: string[] = [];
  /** Resolve when what people did not interrupt has been said. */
  readonly #held: { readonly participant: Participant; readonly release: () => void }[] = [];
  /** Whether there is something that the model has not been told yet, and people wait for. */
  #hasNews = false;
  /** Settles when there is a person to tell it. */
  #untilHeard: Promise<unknown> | undefined;
  readonly #closing = new AbortController();
  #isClosed = false;

  constructor(
    context: SchedulerContext,
    init: ReplySchedulerInit,
  ) {
    this.#context = context;
    this.#init = init;
  }

  /** Whether a turn is over of which it is not decided yet whether it gets a reply. */
  get isDeciding(): boolean {
    return this.#undecided > 0;
  }

  /** The messages that wait for a reply which the model has not been asked for. */
  get prompts(): readonly ChatMessage[] {
    return this.#prompts;
  }

  turnResumed(turn: UserTurn): void {
    this.#init.generator.discard(turn);
  }

  transcribed(turn: UserTurn): void {
    // The hook decides what the model sees of a turn.
    if (this.#init.preemptive && !this.#init.completion) this.#generatePreemptively(turn);
  }

  turnEnded(turn: UserTurn, reason?: TurnEndReason): void {
    this.#undecided++;
    // In their order, however long the application takes for each.
    const adding = this.#init.completion
      ? this.#adding.then(() => this.#add(turn, reason))
      : this.#add(turn, reason);
    this.#adding = adding.catch((error) => this.#reportFailure(error));
  }

  speakerLeft(): void {
    this.#replyWhenQuiet();
  }

  /** Something that the agent said has ended. */
  speechEnded(): void {
    this.#release(this.#init.allowsInterruption);
    this.#replyWhenQuiet();
  }

  /** Something has become known that people wait for: it is told at the next quiet moment. */
  newsCame(): void {
    this.#hasNews = true;
    this.#replyWhenQuiet();
  }

  /** The model was asked for a reply, and knows all that there is to tell. */
  newsTold(): void {
    this.#hasNews = false;
  }

  close(): void {
    this.#isClosed = true;
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    this.#release(() => true);
    this.#init.completion?.close();
    this.#init.generator.discard();
    this.#timer?.[Symbol.dispose]();
  }

  /** Goes on with the turns of those who need not wait any more. */
  #release(isFree: (participant: Participant) => boolean): void {
    for (const one of this.#held.splice(0)) {
      if (isFree(one.participant)) one.release();
      else this.#held.push(one);
    }
  }

  async #add(turn: UserTurn, reason: TurnEndReason | undefined): Promise<void> {
    try {
      await this.#decide(turn, reason);
    } finally {
      this.#undecided--;
      this.#replyWhenQuiet();
    }
  }

  async #decide(turn: UserTurn, reason: TurnEndReason | undefined): Promise<void> {
    const { interruption, chat, generator, shouldReply, isSpeaking, allowsInterruption, discards } =
      this.#init;
    const { completion } = this.#init;
    const { participant, text } = turn;
    if (discards?.(turn)) return generator.discard(turn);
    let isBackchannel = interruption.isBackchannel(turn);
    // The speech that this turn interrupted is to stand before it in the chat.
    if (interruption.inProgress) await interruption.inProgress;
    // As is what it could not interrupt, or did not mean to.
    else if (text !== "" && (isBackchannel && isSpeaking() || !allowsInterruption(participant))) {
      const released = new Promise<void>((release) => {
        this.#held.push({ participant, release });
      });
      // The reply to a turn before it has waited to know that.
      this.#replyWhenQuiet();
      await released;
      // The agent may have had less to say after it than was known then.
      isBackchannel &&= interruption.isBackchannel(turn);
    }
    if (this.#isClosed) return;
    // What counts as a sign of listening is remembered as it was said.
    const messages = [...chat.messages];
    const asking = text !== "" && !isBackchannel
      ? completion?.ask({ participant, text, messages })
      : undefined;
    const change: UserTurnChange = asking ? await asking : {};
    if (this.#isClosed) return;
    const told = change.text ?? text;
    if (/\S/.test(told) && !change.drop) {
      const message = chat.appendUserMessage(told, participant);
      if (!isBackchannel && (change.reply ?? shouldReply(turn, reason))) {
        this.#pending = turn;
        this.#prompts.push(message);
        if (change.context) this.#contexts.push(change.context);
      }
    }
    if (this.#pending !== turn || change.text !== undefined) generator.discard(turn);
  }

  /** Replies to the pending turn, or waits for those in progress and those that are being decided on. */
  #replyWhenQuiet(): void {
    const { generator, checkCapacity, onReply } = this.#init;
    const { clock, countPeople } = this.#context;
    const turn = this.#pending;
    this.#timer?.[Symbol.dispose]();
    if (this.#isClosed || !turn && !this.#hasNews) return;
    // What was said together gets one reply.
    if (this.#undecided > this.#held.length) return;
    const waitMs = this.#remainingMs(turn);
    if (waitMs > 0) {
      this.#timer = clock.schedule(() => this.#replyWhenQuiet(), waitMs);
      return;
    }
    if (!turn) return this.#replyWithNews();
    this.#pending = undefined;
    const context = this.#contexts.splice(0);
    const prompts = this.#prompts.splice(0);
    if (countPeople?.() === 0) return generator.discard();
    try {
      checkCapacity();
    } catch (error) {
      generator.discard();
      return this.#reportFailure(error);
    }
    onReply(generator.replyTo(turn, { prompts, context }), turn);
  }

  #replyWithNews(): void {
    const { isSpeaking, interruption, onNews } = this.#init;
    const { inProgress } = interruption;
    if (inProgress) return void inProgress.then(() => this.#replyWhenQuiet());
    if (isSpeaking()) return;
    if (this.#context.countPeople?.() === 0) return this.#replyWhenHeard();
    this.#hasNews = false;
    onNews();
  }

  /** Tells it the person who comes, or comes back. */
  #replyWhenHeard(): void {
    this.#untilHeard ??= this.#context.untilHeard?.(this.#closing.signal)
      ?.then(() => this.#replyWhenQuiet(), () => {})
      .finally(() => this.#untilHeard = undefined);
  }

  #generatePreemptively(turn: UserTurn): void {
    const { interruption, generator, shouldReply } = this.#init;
    const { resumptions } = turn;
    const isCurrent = () =>
      !this.#isClosed && turn.resumptions === resumptions && turn.endedMs === 0;
    const { inProgress } = interruption;
    if (inProgress) {
      // The model is to know what the agent was interrupted in.
      inProgress.then(() => isCurrent() && this.#generatePreemptively(turn));
      return;
    }
    if (interruption.isUndecided || this.#pending || this.#remainingMs(turn) > 0) return;
    if (shouldReply(turn)) generator.generatePreemptively(turn);
  }

  /** Returns how long the turns of others are waited for at most, as far as is known now. */
  #remainingMs(turn: UserTurn | undefined): number {
    const { turnsInProgress, unheardSpeech } = this.#init;
    const now = this.#context.clock.now();
    const others = turnsInProgress().filter((other) => other !== turn);
    return Math.max(0, ...others.map((other) => unheardSpeech.remainingMs(other, now)));
  }

  #reportFailure(error: unknown): void {
    this.#context.report(error, "replying to a turn");
  }
}
