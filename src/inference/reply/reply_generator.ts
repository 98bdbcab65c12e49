import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../contracts/llm.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import type { LoggedMessage, TranscriptWriter } from "../history/transcript_writer.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { Turn } from "../turns/user_turn.ts";
import type { ChatContext } from "../history/chat_context.ts";
import { userMessage } from "./user_message.ts";
import { Reply } from "./reply.ts";

/** What a {@linkcode ReplyGenerator} comes from. */
export interface ReplyGeneratorInit {
  llm: LLM;
  briefing: ChatContext;
  log: TranscriptWriter;
  /** How long the model may be silent before it is given up. */
  timeoutMs: number;
}

/** A model's answer, and where it is shown. */
export interface ShownReply {
  readonly answer: Reply;
  readonly message: LoggedMessage;
}

/** Asks the model, and also before it is certain that a turn is over. */
export class ReplyGenerator {
  readonly #context: PipelineContext;
  readonly #init: ReplyGeneratorInit;
  /** What was asked for early: to this text, with so many messages before it. */
  #early: { shown: ShownReply; turn: Turn; text: string; known: number } | undefined;

  constructor(context: PipelineContext, init: ReplyGeneratorInit) {
    this.#context = context;
    this.#init = init;
  }

  /** The answer to what was said last. */
  ask(participant: Participant | undefined, ...more: ChatMessage[]): ShownReply {
    const { clock, toolExecutor } = this.#context;
    const { llm, briefing, log, timeoutMs } = this.#init;
    const message = log.agentSays();
    const answer = new Reply({
      llm,
      toolExecutor,
      messages: briefing.request(...more),
      participant,
      clock,
      timeoutMs,
      onText: (text) => message.update({ text }),
    });
    return { answer, message };
  }

  /** Asks for the answer to a turn that may be over. */
  askEarly(turn: Turn): void {
    this.drop();
    const { participant, text } = turn;
    const known = this.#init.briefing.count;
    const shown = this.ask(participant, userMessage(text, participant));
    this.#early = { shown, turn, text, known };
  }

  /** The answer to a turn that was said last: the early one, unless there was more to know since. */
  to(turn: Turn): ShownReply {
    const early = this.#early;
    const failure = early?.shown.answer.soFar === "" && early.shown.answer.text.failure;
    if (failure) {
      const { llm: { name } } = this.#init;
      this.#context.report(failure.error, `${name}, asked early, which is asked again`);
      this.drop();
    }
    const known = this.#init.briefing.count - 1;
    if (!failure && early?.turn === turn && early.text === turn.text && early.known === known) {
      this.#early = undefined;
      return early.shown;
    }
    this.drop();
    return this.ask(turn.participant);
  }

  /** Nobody wants the early answer to this turn, or to whatever it is. */
  drop(turn: Turn | undefined = this.#early?.turn): void {
    if (!this.#early || this.#early.turn !== turn) return;
    this.#early.shown.answer.drop();
    this.#early = undefined;
  }
}
