/** What an application asks an agent with a realtime model to say. @module */
import type { PipelineContext } from "../../pipeline_context.ts";
import type { RealtimeSession } from "../../contracts/realtime_llm.ts";
import type { Participant } from "../../../edge/types.ts";
import type { SpeechOutcome } from "../../speech/speech_handle.ts";
import type { SpeechOutput } from "../../speech/speech_output.ts";
import { once, type Synthesizer } from "../../speech/synthesizer.ts";
import type { TranscriptWriter } from "../../history/transcript_writer.ts";
import type { GenerateReplyOptions, SayOptions, TextOptions } from "../pipeline.ts";
import type { RequestedReply, RequestedReplyOptions } from "./requested_reply.ts";
import type { ReplyRequestInit, ReplyRequests } from "./reply_requests.ts";
import { attempt } from "../../../events/user_code.ts";
import { type ChatHistory, userMessage } from "../../history/chat_history.ts";
import { endingReply, type TextReply } from "../../reply/text_replies.ts";

/** What {@linkcode ApplicationRequests} needs. */
export interface ApplicationRequestsInit {
  context: PipelineContext;
  history: ChatHistory;
  output: SpeechOutput;
  requests: ReplyRequests;
  /** Returns the session; `undefined` while there is none. */
  session: () => RealtimeSession | undefined;
  transcript: TranscriptWriter;
  /** Returns the agent's own voice; `undefined` where the model speaks. */
  voice: () => Synthesizer | undefined;
  /** Called with what the own voice has said without the model. */
  onSaid: (text: string) => void;
  /** Called when one of them is over; `discards`: what people said during it is forgotten. */
  onOver: (discards: boolean) => void;
}

/** How a reply is asked for. */
type RequestOptions = SayOptions & Pick<RequestedReplyOptions, "inText" | "onUnasked">;

/** Says texts, by the agent's own voice or the model's, and replies to texts, aloud or in text. */
export class ApplicationRequests {
  readonly #init: ApplicationRequestsInit;

  constructor(init: ApplicationRequestsInit) {
    this.#init = init;
  }

  /** Says a text; resolves when it was played, or interrupted. */
  async say(text: string, options: SayOptions): Promise<SpeechOutcome> {
    const voice = this.#init.voice();
    if (voice) return await this.#sayByVoice(voice, text, options);
    return await this.#request((session, id) => session.requestReply({ id, say: text }), options)
      .done;
  }

  /** Replies to a text; resolves when the reply was played, or interrupted. */
  async reply(text: string, options: GenerateReplyOptions): Promise<SpeechOutcome> {
    return await this.#requestReply(text, options.participant, options).done;
  }

  /** Replies to a text in text. The model speaks all the same; nothing of it is played. */
  async text(text: string, { participant, signal }: TextOptions): Promise<TextReply> {
    signal?.throwIfAborted();
    const reply = this.#requestReply(text, participant, { inText: true });
    const stop = () => reply.interrupt();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const outcome = await reply.done;
      signal?.throwIfAborted();
      const ending = endingReply(outcome.text, reply.runs);
      if (ending) return ending;
      if (outcome.interrupted) throw new DOMException("the reply was interrupted", "AbortError");
      return { text: outcome.text };
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Asks for a reply. */
  #request(
    send: ReplyRequestInit["send"],
    { staleAfterMs = Infinity, ...options }: RequestOptions,
  ): RequestedReply {
    const { context, requests, onOver } = this.#init;
    const staleAtMs = context.clock.now() + staleAfterMs;
    const reply = requests.add(send, { ...options, staleAtMs });
    reply.done.catch(() => {}).then(() => onOver(reply.discardsUserTurns));
    return reply;
  }

  #requestReply(
    text: string,
    participant: Participant | undefined,
    options: RequestOptions,
  ): RequestedReply {
    const { context, history, transcript, session } = this.#init;
    const message = userMessage(text, participant);
    const { name } = message;
    let isTold = false;
    const send = (session: RealtimeSession | undefined) => {
      isTold = true;
      history.append(message);
      if (participant || options.inText) context.toolLedger.personSpoke();
      return session?.sendText(text, { name });
    };
    // What a person has said is known to the model, also where it does not reply to that.
    const onUnasked = () => {
      if (!participant || isTold) return;
      attempt(
        () => send(session()),
        (error) => context.report(error, "telling the model what a participant said"),
      );
    };
    transcript.writePrompt(text, participant);
    const reply = this.#request((session, id) => {
      // Not before: a reply to something else must not know of it. A later session has it in its history.
      if (isTold && !reply.isCutOff) return session.requestReply({ id });
      if (!isTold) return Promise.all([send(session), session.requestReply({ id })]);
      reply.isCutOff = false;
      return Promise.all([session.sendText(text, { name }), session.requestReply({ id })]);
    }, { ...options, onUnasked });
    return reply;
  }

  /** Says a text in the agent's own voice. */
  async #sayByVoice(
    voice: Synthesizer,
    text: string,
    { allowInterruptions = true, discardUserTurns = false, staleAfterMs = Infinity }: SayOptions,
  ): Promise<SpeechOutcome> {
    const { context, output, transcript, onSaid, onOver } = this.#init;
    const message = transcript.openAgentMessage();
    const speech = output.play({
      allowsInterruption: () => allowInterruptions,
      staleAtMs: context.clock.now() + staleAfterMs,
      audio: (speech) => {
        message.update({ text });
        return voice.synthesize(once(text), speech);
      },
      message,
      onEnded: ({ text }) => onSaid(text),
    });
    voice.assign(speech);
    const outcome = await speech.done;
    onOver(!allowInterruptions && discardUserTurns);
    if (speech.failure) throw speech.failure.error;
    return outcome;
  }
}
