/** Wires a realtime model to the call. @module */
import type { PipelineContext } from "../pipeline_context.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import type { RealtimeEvent, RealtimeLLM } from "../contracts/realtime_llm.ts";
import type { TextReply } from "../reply/text_replies.ts";
import type { SpeechHandle, SpeechOutcome } from "../speech/speech_handle.ts";
import type {
  GenerateReplyOptions,
  HandoffHistory,
  Pipeline,
  SayOptions,
  Take,
  TextOptions,
} from "./pipeline.ts";
import type { ToolRun } from "../reply/tool_run.ts";
import type { RequestedReply } from "./realtime/requested_reply.ts";
import { TurnEndedEvent } from "../contracts/events.ts";
import { attempt, promised } from "../../events/user_code.ts";
import { ChatHistory } from "../history/chat_history.ts";
import { SpeechOutput } from "../speech/speech_output.ts";
import { replyLatency, type TurnTimes } from "../reply/reply_latency.ts";
import { TranscriptWriter } from "../history/transcript_writer.ts";
import { ApplicationRequests } from "./realtime/application_requests.ts";
import { RealtimeInterruptions } from "./realtime/interruptions.ts";
import { OutageMessage, type PreparedSpeech } from "./realtime/outage_message.ts";
import { RealtimeReplies } from "./realtime/realtime_replies.ts";
import { RealtimeListener } from "./realtime/realtime_listener.ts";
import { RealtimeTools } from "./realtime/realtime_tools.ts";
import { settlesAloud } from "./realtime/last_words.ts";
import { ComponentsInUse, type RealtimeComponents } from "./realtime/components_in_use.ts";
import { UntoldNews } from "./realtime/untold_news.ts";
import { type KnownConversation, ReconnectingSession } from "./realtime/reconnecting_session.ts";
import { ReplyMeter } from "./realtime/reply_meter.ts";
import { ReplyEndings } from "./realtime/reply_endings.ts";
import { type ReplyRequestInit, ReplyRequests } from "./realtime/reply_requests.ts";

/** Options for {@linkcode RealtimePipeline}. */
export interface RealtimePipelineOptions {
  /** What is said while the model cannot be reached. Default: nothing. */
  outageMessage?: PreparedSpeech;
}

/** Sound that the model has no words for after so long is noise. */
const UNDECIDED_MS = 10_000;

/**
 * The pipeline of agents whose realtime model takes and returns audio:
 * audio in -> mix without echo -> session with the model -> replies -> playback on the agent's track.
 * A session that is lost is replaced, with the conversation so far, for as long as the call lives.
 */
export class RealtimePipeline implements Pipeline<RealtimeComponents> {
  readonly #context: PipelineContext;
  readonly #transcript: TranscriptWriter;
  readonly #history = new ChatHistory({ onNews: () => this.#tools.sendNews() });
  readonly #output: SpeechOutput;
  readonly #listener: RealtimeListener;
  readonly #requests: ReplyRequests;
  readonly #applicationRequests: ApplicationRequests;
  readonly #replies: RealtimeReplies;
  readonly #interruptions: RealtimeInterruptions;
  readonly #tools: RealtimeTools;
  readonly #endings: ReplyEndings;
  readonly #meter: ReplyMeter;
  readonly #session: ReconnectingSession<RealtimeComponents>;
  readonly #outage: OutageMessage;
  readonly #closing = new AbortController();
  readonly #components: ComponentsInUse;
  readonly #news: UntoldNews;
  /** Whether what people say does not matter any more: the agent says its last words. */
  #isDeaf = false;
  /** The turn that the next reply is to. */
  #turn: TurnTimes | undefined;
  /** Whether a person's turn has no reply yet. */
  #isReplyDue = false;

  constructor(
    components: RealtimeComponents,
    context: PipelineContext,
    options: RealtimePipelineOptions,
  ) {
    const { clock, report } = context;
    const { llm } = components;
    const current = () => this.#llm;
    this.#context = context;
    this.#transcript = new TranscriptWriter(context);
    this.#history.appendConversation(context.conversation, { named: false });
    const session = () => this.#session.current;
    const speaker = () => this.#listener.speaker;
    const { signal } = this.#closing;
    // What waits until less is to be played.
    const onFewer = () => queueMicrotask(() => this.#requests.next());
    const output = this.#output = new SpeechOutput(context, { onFewer });
    this.#components = new ComponentsInUse(components, {
      context,
      history: this.#history,
      session: () => this.#session,
      signal,
    });
    this.#news = new UntoldNews({
      untilHeard: () => context.untilHeard?.(signal),
      ask: () => this.#requests.addFirst({ isContinuation: true }),
    });
    const { outageMessage: speech } = options;
    this.#outage = new OutageMessage({ clock, output, transcript: this.#transcript, speech });
    this.#listener = new RealtimeListener({
      llm,
      context,
      playback: output.playback,
      transcript: this.#transcript,
      history: this.#history,
      session,
      isHeld: () => !this.#interruptions.areAllowed,
    });
    this.#requests = new ReplyRequests({
      clock,
      get name() {
        return current().name;
      },
      session,
      isAhead: () => output.queue.waiting > 0,
      report,
    });
    this.#replies = new RealtimeReplies({
      clock,
      output,
      transcript: this.#transcript,
      voice: () => this.#components.voice,
      speaker,
      allowsInterruption: () => !this.#interruptions.areRefused,
      onPlaybackStarted: (speech, requested) => this.#playbackStarted(speech, requested),
      onPlayed: (id, outcome, speech) => this.#played(id, outcome, speech),
      onWritten: ({ text }) => this.#remember(text),
      onStalled: (id) => this.#endings.stalled(id),
    });
    this.#interruptions = new RealtimeInterruptions({
      context,
      output,
      listener: this.#listener,
      requests: this.#requests,
      replies: this.#replies,
      news: this.#news,
      session,
      name: () => current().name,
    });
    this.#applicationRequests = new ApplicationRequests({
      context,
      history: this.#history,
      output,
      requests: this.#requests,
      session,
      transcript: this.#transcript,
      voice: () => this.#components.voice,
      onSaid: (text) => {
        this.#remember(text);
        this.#sendSpokenText(text);
      },
      onOver: (discards) => this.#holdChanged(discards),
    });
    this.#tools = new RealtimeTools({
      context,
      history: this.#history,
      signal,
      session,
      acceptsImages: () => current().acceptsImages === true,
      speaker,
      onEndless: (requested) => {
        const message = "the model goes on calling tools, and does not reply";
        const error = this.#endings.failure(message, "tool-loop");
        if (requested) requested.fail(error);
        else report(error, this.#llm.name);
      },
      onResults: (reply) => this.#requests.addFirst({ reply, isContinuation: true }),
      onNews: () => this.#news.came(),
      onFiller: (text) => {
        const say: ReplyRequestInit["send"] = (session, id) =>
          session.requestReply({ id, say: text });
        return this.#requests.add(say, { isFirst: true });
      },
    });
    this.#meter = new ReplyMeter({ clock, llm: current, emit: (event) => context.emit(event) });
    this.#endings = new ReplyEndings({
      context,
      replies: this.#replies,
      requests: this.#requests,
      tools: this.#tools,
      listener: this.#listener,
      session,
      name: () => current().name,
      onOver: () => this.#isReplyDue = false,
    });
    context.toolLedger.observe((run) => run.follow(() => this.#holdChanged()));
    this.#session = new ReconnectingSession({
      get llm() {
        return current();
      },
      clock,
      signal,
      settings: () => this.#components.current,
      connect: (components, signal) => this.#components.connect(components, signal),
      known: () => ({ count: this.#history.count, messages: [...this.#history.messages] }),
      onEvent: (event) => this.#handle(event),
      onLost: () => this.#lost(),
      onConnected: (known) => this.#connected(known),
      isQuiet: () => this.#isQuiet,
      isIdle: () =>
        this.#isQuiet && !context.toolLedger.running.values().some((run) => run.isAwaited),
      report,
    });
  }

  /** Starts the session; rejects when the service refuses. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#session.start(signal);
  }

  processAudio(audio: ParticipantAudio): void {
    if (!this.#closing.signal.aborted && !this.#isDeaf) this.#listener.processAudio(audio);
  }

  muted(): void {
    if (!this.#closing.signal.aborted) this.#listener.flush();
  }

  participantLeft(): void {
    this.muted();
  }

  async say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    this.#checkTrack("say", options);
    if (options.interrupt) await this.interrupt();
    return await this.#applicationRequests.say(text, options);
  }

  async generateReply(text: string, options: GenerateReplyOptions = {}): Promise<SpeechOutcome> {
    this.#checkTrack("generateReply", options);
    if (options.interrupt) await this.interrupt();
    return await this.#applicationRequests.reply(text, options);
  }

  /** Throws where only one participant is to hear it: all speak to the model, and it to all. */
  #checkTrack(name: string, { track }: SayOptions): void {
    if (!track) return;
    const instead = "write audio to the track, or use llm, stt and tts";
    throw new TypeError(`${name}: track: ${this.#llm.name} speaks to all participants: ${instead}`);
  }

  /** Whether nothing is being said. */
  get #isQuiet(): boolean {
    return !this.#listener.isSpeech && !this.#requests.isBusy && !this.#output.queue.isBusy;
  }

  /** What the model did not hear meanwhile it hears now. */
  #holdChanged(discards = false): void {
    if (this.#closing.signal.aborted || !this.#interruptions.areAllowed) return;
    this.#listener.endHold({ discards });
  }

  textReceived(participant: Participant, text: string): void {
    if (this.#closing.signal.aborted || this.#isDeaf) return;
    const { report, emit } = this.#context;
    emit(new TurnEndedEvent({ participant, text, reason: "written" }));
    if (this.#requests.protected.some(({ discardsUserTurns }) => discardsUserTurns)) return;
    const interrupting = this.#interruptions.areAllowed
      ? this.#interruptions.interrupt({ all: false })
      : undefined;
    promised(() => interrupting).then(() => this.generateReply(text, { participant }))
      .catch((error) => {
        report(error, "replying to what a participant wrote");
        // The next session knows of it.
        if (!this.#session.current) this.#isReplyDue = true;
      });
  }

  text(text: string, options: TextOptions = {}): Promise<TextReply> {
    return this.#applicationRequests.text(text, options);
  }

  async interrupt(): Promise<void> {
    await this.#interruptions.interrupt({ all: true });
  }

  commitUserTurn(): Promise<void> {
    return Promise.reject(this.#takesTurns());
  }

  clearUserTurn(): void {
    throw this.#takesTurns();
  }

  async drain(): Promise<void> {
    this.#isDeaf = true;
    const { clock } = this.#context;
    const { queue } = this.#output;
    // What was asked for last may still be generated: the reply before it may hang, or the model.
    const settled = this.#requests.settled();
    const isSounding = () => queue.isSounding;
    if (!await settlesAloud(settled, { clock, isSounding })) {
      for (const id of this.#replies.silentIds) this.#interruptions.interruptReply(id);
      await queue.interrupt();
      if (!await settlesAloud(settled, { clock, isSounding })) await this.interrupt();
    }
    await queue.drained();
    this.#output.endBackground();
  }

  prepare(components: RealtimeComponents, history?: HandoffHistory, run?: ToolRun): Promise<Take> {
    return this.#components.prepare(components, history, run);
  }

  get #llm(): RealtimeLLM {
    return this.#components.current.llm;
  }

  replyAsNext(): void {
    this.#requests.addFirst({ isContinuation: false });
  }

  undecidedSpeechMs(): number {
    const { speakingSinceMs } = this.#listener;
    if (speakingSinceMs === undefined) return 0;
    return Math.max(0, speakingSinceMs + UNDECIDED_MS - this.#context.clock.now());
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      speechesWaiting: this.#output.queue.waiting + this.#requests.waiting,
      heldBackMs: this.#listener.suppressedMs,
      ttsCharacters: this.#context.usage.ttsCharacters,
    };
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    this.#listener.stop();
    this.#outage[Symbol.dispose]();
    await this.#output.close();
    this.#requests.close();
    this.#replies.endAll();
    this.#meter.endAll();
    await this.#components.close();
    await this.#session.close();
    this.#transcript.close();
    this.#listener[Symbol.dispose]();
  }

  #takesTurns(): TypeError {
    return new TypeError(`${this.#llm.name} takes its turns itself: they cannot be committed`);
  }

  /** Tells the model what the agent has said without it. */
  #sendSpokenText(text: string): void {
    if (!/\S/.test(text)) return;
    attempt(
      () => this.#session.current?.sendText(text, { role: "assistant" }),
      (error) => this.#context.report(error, "telling the model what was said"),
    );
  }

  #lost(): void {
    this.#meter.endAll(this.#endings.failure("the session was lost", "cut-off"));
    this.#outage.lost();
    this.#listener.lost();
    this.#endings.lost();
    this.#tools.lost();
    this.#requests.lost();
  }

  /** Tells a new session what the one before it did not reply to. */
  #connected(known: KnownConversation): void {
    this.#outage.connected();
    this.#tools.connected(known);
    const isRepeated = this.#listener.connected();
    if (!isRepeated && this.#isReplyDue && !this.#requests.repliesNext) {
      this.#requests.addFirst({ isContinuation: false });
    }
    this.#isReplyDue = false;
    this.#requests.connected();
  }

  #handle(event: RealtimeEvent): void {
    const { report } = this.#context;
    this.#meter.note(event);
    switch (event.type) {
      case "speech-started":
        return this.#speechStarted();
      case "speech-stopped":
        return this.#speechStopped(event.awaitsReply ?? false);
      case "user-transcript":
        return this.#listener.transcribed(event);
      case "reply-started":
        return this.#replyStarted(event.replyId, event.requestId);
      case "reply-refused":
        return this.#requests.refused(event.requestId, event.error);
      case "text":
        return this.#replies.addText(event.replyId, event.text);
      case "audio":
        return this.#replies.addAudio(event.replyId, event.pcm);
      case "reply-ended":
        return this.#endings.ended(event);
      case "tool-call":
        return this.#tools.call(event, this.#replies.requested(event.replyId));
      case "error":
        return report(event.error, this.#llm.name);
    }
  }

  #speechStarted(): void {
    this.#listener.speechStarted();
    this.#requests.speechStarted();
    // Now, and not at the end of the turn: the model replies immediately then.
    this.#showImage();
    this.#interruptions.bargeIn();
  }

  #speechStopped(awaitsReply: boolean): void {
    this.#turn = this.#listener.speechStopped() ?? this.#turn;
    this.#isReplyDue = true;
    this.#tools.personSpoke();
    this.#requests.speechStopped({ awaitsReply });
  }

  #showImage(): void {
    const { latestImage, report } = this.#context;
    const { current } = this.#session;
    if (!this.#llm.acceptsImages || !latestImage || !current?.sendImage) return;
    latestImage().then((image) => {
      if (image && current === this.#session.current) return current.sendImage!(image);
    }).catch((error) => report(error, "showing the model the latest image"));
  }

  #replyStarted(id: string, requestId: string | undefined): void {
    const requested = this.#requests.started(id, requestId);
    this.#replies.start(id, requested);
    this.#news.replyStarted(id);
    this.#tools.replyStarted(id);
    // It was interrupted before it began.
    if (requested?.isInterrupted) this.#interruptions.interruptReply(id);
  }

  #playbackStarted({ times }: SpeechHandle, requested: RequestedReply | undefined): void {
    // What the application asks for is a reply to no turn.
    if (this.#turn && !requested) this.#context.emit(replyLatency(this.#turn, times));
    this.#turn = undefined;
  }

  #played(id: string, { text, interrupted }: SpeechOutcome, speech: SpeechHandle): void {
    if (interrupted && id) {
      const { track } = this.#output;
      const heardMs = speech.startMs === undefined ? 0 : track.heardMs - speech.startMs;
      this.#interruptions.sendInterruption(id, Math.max(0, Math.round(heardMs)), text);
    }
    this.#news.replyEnded(id, { isTold: !interrupted });
    this.#remember(text);
    // The session in use is not the one whose reply it was.
    if (!id) this.#sendSpokenText(text);
  }

  #remember(text: string): void {
    if (/\S/.test(text)) this.#history.append({ role: "assistant", text });
  }
}
