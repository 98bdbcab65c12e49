import type { PipelineContext } from "../pipeline_context.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { Logger } from "../../events/logger.ts";
import type { ToolCall } from "../contracts/messages.ts";
import type { RealtimeEvent, RealtimeLLM, RealtimeSession } from "../contracts/realtime_llm.ts";
import type { TextReply } from "../reply/text_replies.ts";
import type { SpeechHandle, SpeechOutcome } from "../speech/speech_handle.ts";
import type { GenerateReplyOptions, Pipeline, SayOptions } from "./pipeline.ts";
import {
  BargeInEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TurnEndedEvent,
} from "../contracts/events.ts";
import { attempt, promised, UserHook } from "../../events/user_code.ts";
import { ChatHistory, userMessage } from "../history/chat_history.ts";
import { SpeechOutput } from "../speech/speech_output.ts";
import { replyLatency, type TurnTimes } from "../reply/reply_latency.ts";
import { TranscriptWriter } from "../history/transcript_writer.ts";
import { RealtimeReplies } from "./realtime/realtime_replies.ts";
import { RealtimeInput } from "./realtime/realtime_input.ts";
import { ReconnectingSession } from "./realtime/reconnecting_session.ts";

/**
 * The pipeline of agents whose realtime model takes and returns audio:
 * audio in -> mix without echo -> session with the model -> replies -> playback on the agent's track.
 * A session that is lost is replaced, with the conversation so far.
 */
export class RealtimePipeline implements Pipeline {
  readonly #llm: RealtimeLLM;
  readonly #context: PipelineContext;
  readonly #logger: Logger;
  readonly #transcript: TranscriptWriter;
  readonly #history = new ChatHistory({ onNews: () => this.#tellNews() });
  readonly #output: SpeechOutput;
  readonly #input: RealtimeInput;
  readonly #replies: RealtimeReplies;
  readonly #session: ReconnectingSession;
  readonly #sendAudio: UserHook<PcmChunk, Participant>;
  readonly #closing = new AbortController();
  /** Whether what people say does not matter any more: the agent says its last words. */
  #isDeaf = false;
  /** The turn that the next reply is to. */
  #turn: TurnTimes | undefined;

  constructor(llm: RealtimeLLM, context: PipelineContext, options: { logger: Logger }) {
    const { clock, report } = context;
    this.#llm = llm;
    this.#context = context;
    this.#logger = options.logger;
    this.#transcript = new TranscriptWriter(context);
    this.#history.appendConversation(context.conversation, { named: false });
    this.#sendAudio = new UserHook<PcmChunk, Participant>(
      (pcm, loudest) => this.#session.current?.sendAudio(pcm, loudest),
      { clock, report, context: `${llm.name}, sendAudio` },
    );
    const output = this.#output = new SpeechOutput(context);
    this.#input = new RealtimeInput(context, {
      playback: output.playback,
      sampleRate: llm.inputRate,
      onAudio: (pcm, loudest) => void this.#sendAudio.run(pcm, loudest),
    });
    this.#replies = new RealtimeReplies({
      output,
      transcript: this.#transcript,
      speaker: () => this.#input.speaker,
      onPlaybackStarted: (speech) => this.#replyStarted(speech),
      onEnded: (id, outcome, speech) => this.#replyEnded(id, outcome, speech),
    });
    this.#session = new ReconnectingSession({
      llm,
      clock,
      signal: this.#closing.signal,
      connect: (signal) => this.#connect(signal),
      onEvent: (event) => this.#handle(event),
      onLost: () => this.#replies.endAll(),
      report,
    });
  }

  /** Starts the session; rejects when the service refuses. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#session.start(signal);
  }

  processAudio(audio: ParticipantAudio): void {
    if (!this.#closing.signal.aborted && !this.#isDeaf) this.#input.processAudio(audio);
  }

  muted(): void {
    if (!this.#closing.signal.aborted) this.#input.flush();
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
    this.#transcript.writePrompt(text, participant);
    const message = userMessage(text, participant);
    this.#history.append(message);
    const { name } = message;
    return await this.#ask((session) => session.sendText(text, { name, generateReply: true }));
  }

  textReceived(participant: Participant, text: string): void {
    if (this.#closing.signal.aborted) return;
    this.#context.emit(new TurnEndedEvent({ participant, text, reason: "written" }));
    this.generateReply(text, { participant, interrupt: true })
      .catch((error) => this.#context.report(error, "replying to what a participant wrote"));
  }

  text(): Promise<TextReply> {
    return Promise.reject(
      new TypeError(`${this.#llm.name} replies in audio: use agent.generateReply(text)`),
    );
  }

  async interrupt(): Promise<void> {
    await this.#output.queue.interrupt();
  }

  commitUserTurn(): Promise<void> {
    return Promise.reject(this.#takesTurns());
  }

  clearUserTurn(): void {
    throw this.#takesTurns();
  }

  async drain(): Promise<void> {
    this.#isDeaf = true;
    await this.#output.queue.drained();
  }

  metrics(): Readonly<Record<string, number>> {
    return { speechesWaiting: this.#output.queue.waiting, heldBackMs: this.#input.suppressedMs };
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    this.#replies.expectNone();
    await this.#output.queue.close();
    await this.#session.close();
    this.#transcript.close();
    this.#input[Symbol.dispose]();
  }

  #takesTurns(): TypeError {
    return new TypeError(`${this.#llm.name} takes its turns itself: they cannot be committed`);
  }

  #ask(ask: (session: RealtimeSession) => unknown): Promise<SpeechOutcome> {
    const { current } = this.#session;
    if (!current) throw new TypeError("the model is not connected");
    // What the application asks for is a reply to no turn.
    this.#turn = undefined;
    return this.#replies.next(() => ask(current));
  }

  #connect(signal: AbortSignal): Promise<RealtimeSession> {
    const { clock, instructions, toolLedger } = this.#context;
    // What a lost session asked for is no reply of the next one.
    for (const run of toolLedger.running) run.abandon();
    this.#history.markTold();
    return this.#llm.connect({
      clock,
      logger: this.#logger,
      signal,
      instructions,
      tools: toolLedger.tools,
      history: this.#history.messages,
    });
  }

  #handle(event: RealtimeEvent): void {
    const { clock, report, emit } = this.#context;
    const { speaker } = this.#input;
    switch (event.type) {
      case "speech-started":
        if (speaker) {
          emit(new SpeechStartedEvent({ participant: speaker, atMs: this.#speechStartedMs() }));
        }
        // Now, and not at the end of the turn: the model replies immediately then.
        this.#showImage();
        return this.#bargeIn();
      case "speech-stopped": {
        if (!speaker) return;
        const endedMs = clock.now();
        const endOfSpeechMs = this.#input.lastSoundMs ?? endedMs;
        this.#turn = { participant: speaker, endOfSpeechMs, endedMs };
        emit(new SpeechStoppedEvent({ participant: speaker, atMs: endOfSpeechMs }));
        return;
      }
      case "user-transcript":
        return this.#userTranscript(event, speaker);
      case "text":
        return this.#replies.addText(event.replyId, event.text);
      case "audio":
        return this.#replies.addAudio(event.replyId, event.pcm);
      case "reply-ended":
        return this.#replies.end(event.replyId);
      case "tool-call":
        this.#callTool(event.call).catch((error) => report(error, "calling a tool"));
        return;
      case "error":
        return report(event.error, this.#llm.name);
    }
  }

  #bargeIn(): void {
    const { queue } = this.#output;
    if (!queue.isBusy) return;
    const { clock, emit } = this.#context;
    const { speaker: participant } = this.#input;
    const from = this.#speechStartedMs();
    queue.interrupt().then((discardedMs) => {
      emit(new BargeInEvent({ participant, silenceMs: clock.now() - from, discardedMs }));
    });
  }

  /** When the current speech began, by our own VAD: the model's event comes later. */
  #speechStartedMs(): number {
    return this.#input.speakingSinceMs ?? this.#context.clock.now();
  }

  #replyStarted({ times }: SpeechHandle): void {
    if (this.#turn) this.#context.emit(replyLatency(this.#turn, times));
    this.#turn = undefined;
  }

  #showImage(): void {
    const { latestImage, report } = this.#context;
    const { current } = this.#session;
    if (!this.#llm.acceptsImages || !latestImage || !current?.sendImage) return;
    latestImage().then((image) => {
      if (image && current === this.#session.current) return current.sendImage!(image);
    }).catch((error) => report(error, "showing the model the latest image"));
  }

  #userTranscript(
    { id, text, final }: { id: string; text: string; final: boolean },
    participant: Participant | undefined,
  ): void {
    if (!participant) return;
    this.#transcript.writeTurn(id, { participant, text, final });
    if (!final || !/\S/.test(text)) return;
    this.#history.append(userMessage(text, participant));
    this.#context.toolLedger.personSpoke();
    this.#context.emit(new TurnEndedEvent({ participant, text, reason: "silence" }));
  }

  /** Calls a tool once, and answers the call once: in its session, or in the history of the next. */
  async #callTool(call: ToolCall): Promise<void> {
    const { toolLedger } = this.#context;
    if (toolLedger.has(call.id)) return;
    const { current } = this.#session;
    const run = toolLedger.start(call, this.#input.speaker);
    this.#history.appendCalls({ role: "assistant", text: "" }, [run]);
    const result = await run.ended;
    if (this.#closing.signal.aborted || current !== this.#session.current) return;
    this.#history.markTold([run]);
    await promised(() => current?.sendToolResult(call.id, result));
  }

  /** Tells the model the outcome of a tool that came after its output. */
  #tellNews(): void {
    const { current } = this.#session;
    const { text } = this.#history.messages.at(-1)!;
    attempt(
      () => current?.sendText(text, { generateReply: true }),
      (error) => this.#context.report(error, "telling a tool's outcome"),
    );
  }

  #replyEnded(id: string, { text, interrupted }: SpeechOutcome, speech: SpeechHandle): void {
    if (interrupted) {
      const { track } = this.#context;
      const heardMs = speech.startMs === undefined ? 0 : track.heardMs - speech.startMs;
      this.#interruptModel(id, Math.max(0, Math.round(heardMs)));
    }
    if (/\S/.test(text)) this.#history.append({ role: "assistant", text });
  }

  /** Tells the model how much was heard; the reply has ended, whether that works or not. */
  #interruptModel(id: string, heardMs: number): void {
    const { current } = this.#session;
    attempt(
      () => current?.interrupt(id, heardMs),
      (error) => this.#context.report(error, `interrupting ${this.#llm.name}`),
    );
  }
}
