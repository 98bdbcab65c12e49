/** Starts replies: also before it is certain that a turn is over. @module */
import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../contracts/llm.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import type { ChatContext, ChatRequest } from "../history/chat_context.ts";
import type { TranscriptWriter } from "../history/transcript_writer.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { UserTurn } from "../turns/user_turn.ts";
import { type ChatHistory, userMessage } from "../history/chat_history.ts";
import { Reply, type ReplyAgent, type ReplyInit } from "./reply.ts";
import type { Synthesizer } from "../speech/synthesizer.ts";
import { RequestOrder } from "./request_order.ts";
import type { ToolRun } from "./tool_run.ts";

/** What {@linkcode ReplyGenerator} needs. */
export interface ReplyGeneratorInit extends ReplyModel {
  chat: ChatContext;
  transcript: TranscriptWriter;
  /** Returns the agent's voice. */
  voice: () => Synthesizer;
  /** Called when a reply that is to be said has asked the model, with the history that it was told. */
  onAsked: (history: ChatHistory) => void;
  /** Called with the calls whose results the next agent is to tell. */
  onHandedOver: (runs: readonly ToolRun[]) => void;
}

/** How a reply begins, and how its text is given. */
export interface GenerateOptions extends Pick<ReplyInit, "isInText" | "track"> {
  /**
   * Called before it asks, or is cancelled before that: appends what it replies to, to the history of the
   * agent that replies, and returns it. Another one may have taken over while it waited.
   */
  onTurn?: (history: ChatHistory) => ChatMessage;
}

/** The model that generates replies. */
export interface ReplyModel {
  llm: LLM;
  /** How long the model may be silent before it is given up. Default 30,000. */
  timeoutMs?: number;
}

/** A reply to a turn that may not be over: to this text, with so many messages before it. */
interface PreemptiveReply {
  readonly reply: Reply;
  readonly turn: UserTurn;
  readonly text: string;
  readonly messageCount: number;
}

/** Has the model generate replies, also before it is certain that a turn is over. */
export class ReplyGenerator {
  readonly #context: PipelineContext;
  readonly #init: ReplyGeneratorInit;
  readonly #order = new RequestOrder();
  #model: ReplyModel;
  /** The replies whose model may still be asked. */
  readonly #open = new Set<Reply>();
  #preemptive: PreemptiveReply | undefined;

  constructor(context: PipelineContext, init: ReplyGeneratorInit) {
    this.#context = context;
    this.#init = init;
    this.#model = init;
  }

  /** Uses another model; resolves when the replies have ended that use the one before. */
  async use(model: ReplyModel): Promise<void> {
    this.discard();
    this.#model = model;
    await Promise.all([...this.#open].map(({ ended }) => ended));
  }

  /**
   * The call is handed over: the replies in progress say what their models have said so far. Returns the
   * messages to which the next agent replies, since those replies have not begun.
   */
  handOver(): readonly ChatMessage[] {
    this.discard();
    for (const reply of this.#open) reply.handOver();
    const waiting = [...this.#open].filter(({ hasBegun }) => !hasBegun);
    return waiting.flatMap(({ request }) => request.prompts ?? []);
  }

  /**
   * Starts a reply to the latest message, or to what is in `request` and not in the chat. It asks the
   * model when the replies before it have.
   *
   * @param options.isInText whether it is written, and not said
   */
  generate(
    participant: Participant | undefined,
    request: ChatRequest = {},
    options: GenerateOptions = {},
  ): Reply {
    return this.#start({ participant, request, ...options });
  }

  /** Asks the model again what a reply has asked; it goes on with what the tools of that one have done. */
  regenerate({ participant, request, runs, track }: Reply): Reply {
    const { prompts, ...others } = request;
    const again = runs.length > 0 ? others : { ...others, prompts };
    return this.#start({ participant, request: again, track });
  }

  /** Starts the reply to a turn that may be over. */
  generatePreemptively(turn: UserTurn): void {
    this.discard();
    const { participant, text } = turn;
    const messageCount = this.#init.chat.count;
    const request = { more: [userMessage(text, participant)] };
    const reply = this.#start({ participant, request, isPreemptive: true });
    this.#preemptive = { reply, turn, text, messageCount };
  }

  /**
   * Returns the reply to a turn whose text is the latest message: the preemptive one, unless it has
   * failed, or the request would differ by now.
   *
   * @param request the messages that are replied to, and what else the model is told for this reply
   */
  replyTo(turn: UserTurn, request: Pick<ChatRequest, "prompts" | "context"> = {}): Reply {
    const preemptive = this.#preemptive;
    const failure = preemptive?.reply.text === "" && preemptive.reply.textStream.failure;
    if (failure) {
      const { llm: { name } } = this.#model;
      this.#context.report(failure.error, `${name}: preemptive request; asking again`);
      this.discard();
    }
    const messageCount = this.#init.chat.count - 1;
    if (
      !failure && !request.context?.length && preemptive?.turn === turn &&
      preemptive.text === turn.text && !this.#order.isTaken &&
      preemptive.messageCount === messageCount
    ) {
      this.#preemptive = undefined;
      preemptive.reply.request = request;
      // It has asked, and is not in vain.
      this.#init.onAsked(this.#init.chat.history);
      return preemptive.reply;
    }
    this.discard();
    return this.generate(turn.participant, request);
  }

  /** Cancels the preemptive reply to this turn, or to any. */
  discard(turn: UserTurn | undefined = this.#preemptive?.turn): void {
    if (!this.#preemptive || this.#preemptive.turn !== turn) return;
    this.#preemptive.reply.cancel();
    this.#preemptive = undefined;
  }

  #start(
    { onTurn, ...init }:
      & Pick<ReplyInit, "participant" | "request" | "isPreemptive">
      & GenerateOptions,
  ): Reply {
    const { clock, toolLedger } = this.#context;
    const { chat, transcript, voice, onHandedOver, onAsked } = this.#init;
    const agent = (): ReplyAgent => {
      const { llm, timeoutMs = 30_000 } = this.#model;
      const { instructions } = this.#context;
      const { history } = chat;
      return {
        llm,
        timeoutMs,
        tools: toolLedger.executor,
        voice: voice(),
        message: transcript.openAgentMessage(undefined, init.track?.to),
        chat: history,
        ask: () => {
          // What is written, or one participant alone hears, tells the others nothing.
          const isForAll = !init.isInText && !init.track?.to;
          // One that asks before its turn is over may be in vain.
          if (isForAll && !init.isPreemptive) onAsked(history);
          return chat.request(reply.request, { instructions, history, isForAll });
        },
        onTurn: () => {
          if (onTurn) reply.request = { ...reply.request, prompts: [onTurn(history)] };
        },
      };
    };
    const reply: Reply = new Reply({
      ...init,
      agent,
      toolLedger,
      order: this.#order,
      clock,
      onResponse: this.#context.emit,
      onHandedOver,
    });
    this.#open.add(reply);
    void reply.ended.then(() => this.#open.delete(reply));
    return reply;
  }
}
