import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { Logger } from "../../events/logger.ts";
import type { ToolCall } from "../contracts/messages.ts";
import type { RealtimeEvent, RealtimeLLM, RealtimeSession } from "../contracts/realtime_llm.ts";
import type { SpeechHandle, SpeechOutcome } from "../reply/speech_handle.ts";
import type { GenerateReplyOptions, Pipeline, PipelineContext, SayOptions } from "./pipeline.ts";
import {
  BargeInEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TurnEndedEvent,
} from "../contracts/events.ts";
import { attempt, promised, UserHook } from "../../events/user_code.ts";
import { ChatHistory } from "../reply/chat_history.ts";
import { SpeechOutput } from "../reply/speech_output.ts";
import { userMessage } from "../reply/user_message.ts";
import { TranscriptWriter } from "../reply/transcript_writer.ts";
import { RealtimeReplies } from "./realtime/realtime_replies.ts";
import { RealtimeInput } from "./realtime/realtime_input.ts";
import { ReconnectingSession } from "./realtime/reconnecting_session.ts";
import { type RealtimeTurn, replyLatency } from "./realtime/reply_latency.ts";

/**
 * A realtime model hears and speaks by itself; this hands it what is said in the call, and plays,
 * shows, cuts and remembers what it answers. A session that is lost is begun again, with what was
 * said before.
 */
export class RealtimePipeline implements Pipeline {
  readonly #llm: RealtimeLLM;
  readonly #context: PipelineContext;
  readonly #logger: Logger;
  readonly #log: TranscriptWriter;
  readonly #history = new ChatHistory();
  readonly #voice: SpeechOutput;
  readonly #ear: RealtimeInput;
  readonly #answers: RealtimeReplies;
  readonly #session: ReconnectingSession;
  readonly #sendAudio: UserHook<PcmChunk, Participant>;
  readonly #closing = new AbortController();
  /** The turn that is to be answered next. */
  #turn: RealtimeTurn | undefined;

  constructor(llm: RealtimeLLM, context: PipelineContext, options: { logger: Logger }) {
    const { clock, report } = context;
    this.#llm = llm;
    this.#context = context;
    this.#logger = options.logger;
    this.#log = new TranscriptWriter(context);
    for (const { role, text } of context.conversation.messages) {
      if (/\S/.test(text)) this.#history.append({ role, text });
    }
    this.#sendAudio = new UserHook<PcmChunk, Participant>(
      (pcm, loudest) => this.#session.current?.sendAudio(pcm, loudest),
      { clock, report, context: `${llm.name}, sendAudio` },
    );
    const voice = this.#voice = new SpeechOutput(context);
    this.#ear = new RealtimeInput(context, {
      voice,
      sampleRate: llm.inputRate,
      onAudio: (pcm, loudest) => void this.#sendAudio.run(pcm, loudest),
    });
    this.#answers = new RealtimeReplies({
      voice,
      log: this.#log,
      speaker: () => this.#ear.speaker,
      onHeard: (speech) => this.#answerHeard(speech),
      onOver: (id, outcome, speech) => this.#answerOver(id, outcome, speech),
    });
    this.#session = new ReconnectingSession({
      llm,
      clock,
      signal: this.#closing.signal,
      connect: (signal) => this.#connect(signal),
      onEvent: (event) => this.#take(event),
      onLost: () => this.#answers.endAll(),
      report,
    });
  }

  /** Begins the session; rejects when the service refuses. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#session.start(signal);
  }

  hear(audio: ParticipantAudio): void {
    if (!this.#closing.signal.aborted) this.#ear.hear(audio);
  }

  muted(): void {
    if (!this.#closing.signal.aborted) this.#ear.flush();
  }

  participantLeft(): void {
    this.muted();
  }

  async say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    if (options.interrupt) await this.interrupt();
    return await this.#ask((session) => session.say(text));
  }

  async generateReply(text: string, options: GenerateReplyOptions = {}): Promise<SpeechOutcome> {
    const { participant, interrupt } = options;
    if (interrupt) await this.interrupt();
    this.#log.asked(text, participant);
    const message = userMessage(text, participant);
    this.#history.append(message);
    const { name } = message;
    return await this.#ask((session) => session.sendText(text, { name, generateReply: true }));
  }

  async interrupt(): Promise<void> {
    await this.#voice.floor.interrupt();
  }

  metrics(): Readonly<Record<string, number>> {
    return { speechesWaiting: this.#voice.floor.waiting, heldBackMs: this.#ear.heldBackMs };
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    this.#answers.expectNone();
    await this.#voice.floor.close();
    await this.#session.close();
    this.#log.close();
    this.#ear[Symbol.dispose]();
  }

  #ask(ask: (session: RealtimeSession) => unknown): Promise<SpeechOutcome> {
    const { current } = this.#session;
    if (!current) throw new TypeError("the model is not connected");
    // What is asked for from here answers nobody's turn.
    this.#turn = undefined;
    return this.#answers.next(() => ask(current));
  }

  #connect(signal: AbortSignal): Promise<RealtimeSession> {
    const { clock, instructions, toolbox } = this.#context;
    return this.#llm.connect({
      clock,
      logger: this.#logger,
      signal,
      instructions,
      tools: toolbox.tools,
      history: this.#history.messages,
    });
  }

  #take(event: RealtimeEvent): void {
    const { clock, report, emit } = this.#context;
    const { speaker } = this.#ear;
    switch (event.type) {
      case "speech-started":
        if (speaker) emit(new SpeechStartedEvent({ participant: speaker, atMs: this.#beganAt() }));
        // Now, and not when he has ended: the model answers at once then.
        this.#showImage();
        return this.#bargeIn();
      case "speech-stopped": {
        if (!speaker) return;
        const endedMs = clock.now();
        const endOfSpeechMs = this.#ear.lastSoundMs ?? endedMs;
        this.#turn = { participant: speaker, endOfSpeechMs, endedMs };
        emit(new SpeechStoppedEvent({ participant: speaker, atMs: endOfSpeechMs }));
        return;
      }
      case "user-transcript":
        return this.#understood(event, speaker);
      case "text":
        return this.#answers.addText(event.replyId, event.text);
      case "audio":
        return this.#answers.addAudio(event.replyId, event.pcm);
      case "reply-ended":
        return this.#answers.end(event.replyId);
      case "tool-call":
        this.#call(event.call).catch((error) => report(error, "calling a tool"));
        return;
      case "error":
        return report(event.error, this.#llm.name);
    }
  }

  #bargeIn(): void {
    const { floor } = this.#voice;
    if (!floor.isBusy) return;
    const { clock, emit } = this.#context;
    const { speaker: participant } = this.#ear;
    const from = this.#beganAt();
    floor.interrupt().then((discardedMs) => {
      emit(new BargeInEvent({ participant, silenceMs: clock.now() - from, discardedMs }));
    });
  }

  /** When whoever speaks began to, by our own ear, which the model's notice comes after. */
  #beganAt(): number {
    return this.#ear.speakingSinceMs ?? this.#context.clock.now();
  }

  #answerHeard(speech: SpeechHandle): void {
    if (this.#turn) this.#context.emit(replyLatency(this.#turn, speech));
    this.#turn = undefined;
  }

  #showImage(): void {
    const { latestImage, report } = this.#context;
    const { current } = this.#session;
    if (!this.#llm.acceptsImages || !latestImage || !current?.sendImage) return;
    latestImage().then((image) => {
      if (image && current === this.#session.current) return current.sendImage!(image);
    }).catch((error) => report(error, "showing the model what is to be seen"));
  }

  #understood(
    { id, text, final }: { id: string; text: string; final: boolean },
    participant: Participant | undefined,
  ): void {
    if (!participant) return;
    this.#log.participantSays(id, { participant, text, final });
    if (!final || !/\S/.test(text)) return;
    this.#history.append(userMessage(text, participant));
    this.#context.emit(new TurnEndedEvent({ participant, text, reason: "silence" }));
  }

  async #call(call: ToolCall): Promise<void> {
    const { current } = this.#session;
    const { signal } = this.#closing;
    const { speaker: participant } = this.#ear;
    const result = await this.#context.toolbox.call(call, { signal, participant })
      .catch((error) => {
        if (signal.aborted) return undefined;
        throw error;
      });
    if (!result || current !== this.#session.current) return;
    await promised(() => current?.sendToolResult(call.id, result));
  }

  #answerOver(id: string, { text, interrupted }: SpeechOutcome, speech: SpeechHandle): void {
    if (interrupted) {
      const { track } = this.#context;
      const heardMs = speech.startMs === undefined ? 0 : track.heardMs - speech.startMs;
      this.#tellInterrupted(id, Math.max(0, Math.round(heardMs)));
    }
    if (/\S/.test(text)) this.#history.append({ role: "assistant", text });
  }

  /** It is over for those who listen, whether the model can be told so or not. */
  #tellInterrupted(id: string, heardMs: number): void {
    const { current } = this.#session;
    attempt(
      () => current?.interrupt(id, heardMs),
      (error) => this.#context.report(error, `${this.#llm.name}, told that it was interrupted`),
    );
  }
}
