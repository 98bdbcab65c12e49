/** The processor that holds an agent's conversation. @module */
import type { PipelineContext } from "../inference/pipeline_context.ts";
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { OutboundAudioTrack } from "../edge/audio_track.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { Participant, TrackInfo } from "../edge/types.ts";
import type { Component } from "../inference/contracts/component.ts";
import type {
  GenerateReplyOptions,
  Pipeline,
  SayOptions,
  TextOptions,
  UserTurnOptions,
} from "../inference/pipelines/pipeline.ts";
import type { LLM } from "../inference/contracts/llm.ts";
import type { TextReply } from "../inference/reply/text_replies.ts";
import type { RealtimeLLM } from "../inference/contracts/realtime_llm.ts";
import type { SpeechOutcome } from "../inference/speech/speech_handle.ts";
import type { STT } from "../inference/contracts/stt.ts";
import { checkToolOptions, type Tool } from "../inference/contracts/tool.ts";
import type { TTS } from "../inference/contracts/tts.ts";
import type { VAD } from "../inference/contracts/vad.ts";
import type { VideoFrame } from "../edge/video_frame.ts";
import { assertPcmChunk, type PcmChunk } from "../audio/pcm_chunk.ts";
import type { EncodedImage } from "../inference/contracts/messages.ts";
import type { EncodeFrameOptions } from "../inference/vision/encode_frame.ts";
import type { AgentContext } from "./agent_context.ts";
import type { Processor } from "./processor.ts";
import { ErrorEvent } from "../edge/events.ts";
import { checkMethods, checkObject, shown } from "../events/checks.ts";
import { checkDuration } from "../events/waiting.ts";
import { EventManager } from "../events/event_manager.ts";
import {
  type BroadcastMetricsOptions,
  ConversationMetrics,
  metricsEveryMs,
} from "./conversation_metrics.ts";
import { ConversationStates } from "./conversation_states.ts";
import { closeComponents, startComponents } from "../inference/contracts/component.ts";
import { conversationEvents } from "../inference/contracts/events.ts";
import { checkTurnHandling } from "../inference/pipelines/check_turn_handling.ts";
import {
  checkFailureOptions,
  type FailureOptions,
  failureOptions,
} from "../inference/pipelines/failure_options.ts";
import { missingPart, noLLM, noSTT, noTTS } from "../inference/pipelines/missing_parts.ts";
import { CascadedPipeline } from "../inference/pipelines/cascaded_pipeline.ts";
import type { TurnHandlingOptions } from "../inference/pipelines/turn_handling_options.ts";
import { RealtimePipeline } from "../inference/pipelines/realtime_pipeline.ts";
import {
  checkPreparedSpeech,
  type PreparedSpeech,
} from "../inference/pipelines/realtime/outage_message.ts";
import { energyVad } from "../inference/vad/energy_vad.ts";
import { LatestFrame } from "../inference/vision/latest_frame.ts";
import { ToolExecutor } from "../inference/reply/tool_executor.ts";
import { type TurnOwner, turnOwnerOf } from "../inference/turns/turn_owner.ts";
import { type ToolHooks, ToolLedger } from "../inference/reply/tool_ledger.ts";

/** The most texts that are kept while the agent joins. */
const MAX_EARLY_TEXTS = 32;

/** The people are away after so long, unless the options say otherwise. */
const AWAY_AFTER_MS = 15_000;

/** Options for the frames of the routed video track that a model is shown, if it accepts images. */
export interface VisionOptions extends EncodeFrameOptions {
  /** Frames per second that the agent takes from the track. The model gets the latest. Default 2. */
  fps?: number;
}

/** Options for an agent's conversation: its models, its tools and how it takes turns. */
export interface ConversationOptions extends ToolHooks {
  /**
   * The model that replies: a text model needs `tts`, and `stt` to hear people; a realtime model needs
   * neither. Without one the agent says what the application has it say, and transcribes.
   */
  llm?: LLM | RealtimeLLM;
  /** Speech to text. On its own it makes a transcriber, of as many people as there are. */
  stt?: STT;
  /** Text to speech. On its own it makes an announcer. */
  tts?: TTS;
  /**
   * Detects speech. Default: {@linkcode energyVad}, by loudness, which detects almost no
   * speech in noise: pass `sileroVad()` of `@ringline/silero-vad`. A realtime model takes none.
   */
  vad?: VAD;
  /**
   * Changes each sentence before it is spoken, for instance `$5` into `five dollars`: takes what is
   * left of it without Markdown, HTML and emoji, and returns what is to be spoken. What is shown and
   * remembered stays as the model wrote it. One that throws or returns no text is reported, and its
   * sentence is spoken as it is. A realtime model takes none.
   */
  textTransform?: (sentence: string) => string;
  /**
   * What is spoken for words, or phrases, that the voice gets wrong, e.g. `{ Nguyen: "Win" }`: by the
   * whole word, in this spelling. A realtime model takes none.
   */
  pronunciations?: Readonly<Record<string, string>>;
  /** A sound that is heard under the agent's voice and between its speeches, e.g. of an office. */
  backgroundSound?: PcmChunk;
  /**
   * A sound that is heard while the agent is about to reply or waits for a tool, e.g. of a keyboard.
   * It is faded out when the agent speaks or is interrupted, as `backgroundSound` is when the agent is
   * interrupted. Both are played again and again, at their own level.
   */
  thinkingSound?: PcmChunk;
  /** The tools that the model can call. */
  tools?: readonly Tool[];
  /**
   * When a turn is over, when the agent replies, and when it lets itself be interrupted. A realtime
   * model takes none but `{ turnDetection: "realtime" }`, its default.
   */
  turnHandling?: TurnHandlingOptions;
  /**
   * What people hear, once in each outage, while a realtime model cannot be reached for two seconds or
   * more. It is audio, since the voice is the model's. Default: nothing.
   */
  outageMessage?: PreparedSpeech;
  /**
   * What the agent says when a turn gets no reply because a model failed, e.g. `"One moment, please."`,
   * and what else it does. It is asked again once if that may help. Default: it says nothing. A realtime
   * model takes none.
   */
  onFailure?: string | FailureOptions;
  /**
   * After so many milliseconds without speech of a person or the agent the people are away: see
   * {@linkcode UserStateChangedEvent}. `Infinity` sets no limit. Default 15,000.
   */
  awayAfterMs?: number;
  /** The frames that the model is shown, if it accepts images. */
  vision?: VisionOptions;
  /**
   * Whether the agent sends all participants its reply latency and the metrics of its queues and
   * models, as a custom event `{ type: "metrics", ... }`, which LocalEdge's page shows. See
   * {@linkcode BroadcastMetricsOptions}. Default `false`.
   */
  broadcastMetrics?: boolean | BroadcastMetricsOptions;
}

/** The processor that turns what an agent hears into replies: starts its models and its pipeline. */
export class ConversationProcessor implements Processor {
  readonly name = "conversation";
  readonly events: EventManager;
  /** Defined only if the model accepts images: without it the agent subscribes to no video. */
  readonly processVideo: ((frame: VideoFrame, track: TrackInfo) => void) | undefined;
  readonly videoFps: number;
  readonly #options: ConversationOptions & { llm: LLM | RealtimeLLM };
  readonly #turnOwner: TurnOwner | undefined;
  readonly #components: readonly Component[];
  readonly #metricsEveryMs: number;
  #agent: AgentContext | undefined;
  #pipeline: Pipeline | undefined;
  #toolLedger: ToolLedger | undefined;
  #metrics: Disposable | undefined;
  #states: ConversationStates | undefined;
  #latestFrame: LatestFrame | undefined;
  readonly #earlyTexts: (readonly [Participant, string])[] = [];
  #started = false;

  /** Returns a processor with these models, or `undefined` if there are none. */
  static from(options: ConversationOptions): ConversationProcessor | undefined {
    const { llm, stt, tts } = options;
    checkConversationOptions(options);
    checkTurnHandling(options.turnHandling);
    if (!llm && !stt && !tts) return undefined;
    if (llm && isRealtime(llm)) {
      const cascaded = [
        "stt",
        "tts",
        "vad",
        "turnHandling",
        "textTransform",
        "pronunciations",
        "onFailure",
      ];
      const unexpected = (cascaded as (keyof ConversationOptions)[])
        .filter((name) => options[name] !== undefined)
        .filter((name) => name !== "turnHandling" || !onlyNamesRealtime(options.turnHandling!));
      if (unexpected.length > 0) {
        const list = unexpected.join(" and no ");
        throw new TypeError(
          `a realtime llm hears, takes turns and speaks itself: expected no ${list}`,
        );
      }
      return new ConversationProcessor({ ...options, llm }, undefined);
    }
    if (llm && !tts) throw new TypeError("an agent with an llm needs a voice: pass tts too");
    const { turnDetection, endpointing } = options.turnHandling ?? {};
    const turnOwner = turnOwnerOf(turnDetection, { stt: stt ?? noSTT, endpointing });
    return new ConversationProcessor({ ...options, llm: llm ?? noLLM }, turnOwner);
  }

  private constructor(
    options: ConversationOptions & { llm: LLM | RealtimeLLM },
    turnOwner: TurnOwner | undefined,
  ) {
    this.#options = isRealtime(options.llm) ? options : { vad: energyVad(), ...options };
    this.#turnOwner = turnOwner;
    const { llm, stt, tts } = this.#options;
    // Nothing is detected in what no recogniser hears.
    const vad = stt && this.#options.vad;
    const detector = typeof turnOwner === "string" ? undefined : turnOwner;
    const model = llm === noLLM ? undefined : llm;
    this.#components = [model, stt, tts, vad, detector].filter((one) => one !== undefined);
    this.#metricsEveryMs = metricsEveryMs(options.broadcastMetrics);
    this.videoFps = options.vision?.fps ?? 2;
    this.processVideo = llm.acceptsImages
      ? (frame, track) => this.#latestFrame?.show(frame, track)
      : undefined;
    this.events = new EventManager({
      onFailure: (error, event) => this.#report(error, `a subscriber of ${event.constructor.name}`),
    });
    this.events.register(...conversationEvents);
  }

  async start(agent: AgentContext, { signal }: { signal: AbortSignal }): Promise<void> {
    this.#agent = agent;
    const { clock, logger } = agent;
    this.#latestFrame = new LatestFrame(clock);
    this.#states = new ConversationStates({
      clock,
      awayAfterMs: this.#options.awayAfterMs ?? AWAY_AFTER_MS,
      emit: (event) => this.events.send(event),
      undecidedSpeechMs: () => this.#pipeline?.undecidedSpeechMs() ?? 0,
    });
    const emit = (event: object) => this.events.send(event);
    await startComponents(this.#components, { clock, logger, signal, emit });
    this.#started = true;
  }

  /** Opens the pipeline: the agent has joined its call and may speak from now on. */
  async open(
    { conversation, track, sampleRate, signal }: {
      conversation: Conversation;
      track: OutboundAudioTrack;
      sampleRate: number;
      signal: AbortSignal;
    },
  ): Promise<void> {
    const agent = this.#agent!;
    const { clock, user: agentUser, instructions, logger } = agent;
    const states = this.#states!;
    const emit = (event: object) => {
      this.events.send(event);
      states.observe(event);
    };
    const report = (error: unknown, context: string) => this.#report(error, context);
    const { onToolStarted, onToolEnded, backgroundSound, thinkingSound } = this.#options;
    const { llm, stt, tts, vad, tools = [], turnHandling, textTransform, pronunciations } =
      this.#options;
    const { outageMessage } = this.#options;
    const onFailure = failureOptions(this.#options.onFailure);
    const context: PipelineContext = {
      clock,
      logger,
      agentUser,
      instructions,
      conversation,
      track,
      sampleRate,
      toolLedger: this.#toolLedger = new ToolLedger({
        executor: new ToolExecutor(tools, { clock, logger }),
        agent,
        earlier: conversation.messages.flatMap(({ toolCall }) => toolCall ?? []),
        clock,
        emit,
        report,
        onToolStarted,
        onToolEnded,
      }),
      latestImage: () => this.latestImage(),
      countPeople: () => countPeople(agent.connection),
      background: backgroundSound || thinkingSound ? { backgroundSound, thinkingSound } : undefined,
      untilHeard: (signal) => untilPerson(agent.connection, signal),
      speechesChanged: (count) => states.speechesChanged(count),
      emit,
      report,
    };
    this.#startMetrics(agent, track);
    if (isRealtime(llm)) {
      const pipeline = new RealtimePipeline(llm, context, { logger, outageMessage });
      this.#pipeline = pipeline;
      await pipeline.start(signal);
    } else {
      const turnOwner = this.#turnOwner!;
      const parts = { llm, stt: stt ?? noSTT, tts: tts ?? noTTS, vad: vad!, turnOwner };
      const init = { ...parts, textTransform, pronunciations, onFailure };
      this.#pipeline = new CascadedPipeline(init, context, turnHandling);
    }
    states.opened();
    for (const [participant, text] of this.#earlyTexts.splice(0)) {
      this.#pipeline.textReceived(participant, text);
    }
  }

  processAudio(audio: ParticipantAudio): void | Promise<void> {
    const { llm, stt } = this.#options;
    if (stt || isRealtime(llm)) return this.#pipeline?.processAudio(audio);
  }

  participantJoined(participant: Participant): void {
    this.#states?.participantJoined(participant);
  }

  participantLeft(participant: Participant): void {
    this.#states?.participantLeft(participant);
    this.#pipeline?.participantLeft(participant);
    // The agent stops speaking in an empty call; the conversation keeps what was heard before.
    if (participant.kind !== "person" || countPeople(this.#agent?.connection) > 0) return;
    this.#pipeline?.interrupt().catch((error) => this.#report(error, "interrupting the agent"));
  }

  trackUpdated(track: TrackInfo): void {
    if (track.muted) this.#pipeline?.muted(track.participant);
  }

  trackRemoved(track: TrackInfo): void {
    this.#pipeline?.muted(track.participant);
  }

  textReceived(participant: Participant, text: string): void {
    if (this.#pipeline) this.#pipeline.textReceived(participant, text);
    // They were in the call before the agent, which is still joining.
    else if (this.#earlyTexts.length < MAX_EARLY_TEXTS) this.#earlyTexts.push([participant, text]);
  }

  videoSourceChanged(): void {
    this.#latestFrame?.sourceChanged();
  }

  async waitForFirstFrame(
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<VideoFrame> {
    if (!this.processVideo) {
      throw new TypeError("this agent subscribes to no video: pass an llm with acceptsImages");
    }
    if (!this.#latestFrame) {
      throw new TypeError("this agent has not joined a call: await agent.join(call) first");
    }
    return (await this.#latestFrame.waitForFrame(options)).frame;
  }

  latestImage(options: EncodeFrameOptions = {}): Promise<EncodedImage | undefined> {
    const { fps: _fps, ...encoding } = this.#options.vision ?? {};
    return this.#latestFrame?.image({ ...encoding, ...options }) ?? Promise.resolve(undefined);
  }

  /** Throws a TypeError where the agent does without this part. */
  expectPart(option: "llm" | "tts"): void {
    const { llm, tts } = this.#options;
    if (isRealtime(llm)) return;
    if (option === "llm" ? llm === noLLM : !tts) throw missingPart(option);
  }

  async say(text: string, options?: SayOptions): Promise<SpeechOutcome> {
    this.expectPart("tts");
    return await this.#expectPipeline().say(text, options);
  }

  async generateReply(text: string, options?: GenerateReplyOptions): Promise<SpeechOutcome> {
    this.expectPart("llm");
    return await this.#expectPipeline().generateReply(text, options);
  }

  commitUserTurn(options?: UserTurnOptions): Promise<void> {
    return this.#expectPipeline().commitUserTurn(options);
  }

  clearUserTurn(options?: UserTurnOptions): void {
    this.#expectPipeline().clearUserTurn(options);
  }

  async text(text: string, options?: TextOptions): Promise<TextReply> {
    this.expectPart("llm");
    return await this.#expectPipeline().text(text, options);
  }

  interrupt(): Promise<void> {
    return this.#expectPipeline().interrupt();
  }

  /** Listens no more; resolves when all that is to be said was heard, but for what waits for a tool. */
  async drain(): Promise<void> {
    // What waits for a person to hear it would wait for ever.
    if (countPeople(this.#agent?.connection) === 0) await this.#pipeline?.interrupt();
    await this.#pipeline?.drain();
  }

  /** Ends the pipeline; the conversation holds everything that was said when this resolves. */
  async stop(): Promise<void> {
    this.#metrics?.[Symbol.dispose]();
    this.#states?.[Symbol.dispose]();
    this.#latestFrame?.close();
    await this.#pipeline?.close();
    await this.#toolLedger?.close();
  }

  async close(): Promise<void> {
    await this.stop();
    if (this.#started) {
      await closeComponents(this.#components, {
        clock: this.#agent!.clock,
        report: (error, context) => this.#report(error, context),
      });
    }
    this.events.close();
  }

  #startMetrics(agent: AgentContext, track: OutboundAudioTrack): void {
    this.#metrics = new ConversationMetrics({
      events: this.events,
      clock: agent.clock,
      components: this.#components,
      own: () => ({
        ...this.#pipeline?.metrics(),
        droppedSlots: agent.droppedSlots,
        bufferedMs: track.bufferedMs,
        playedMs: track.playedMs,
      }),
      broadcast: this.#options.broadcastMetrics ? (data) => agent.sendCustomEvent(data) : undefined,
      everyMs: this.#metricsEveryMs,
      report: (error, context) => this.#report(error, context),
    });
  }

  #expectPipeline(): Pipeline {
    if (this.#pipeline) return this.#pipeline;
    throw new TypeError("this agent has not joined a call: await agent.join(call) first");
  }

  #report(error: unknown, context: string): void {
    const connection = this.#agent?.connection;
    this.#agent?.edge.events.emit(new ErrorEvent({ connection, error, context }));
  }
}

/** Waits for a person; returns `undefined` where there is one, or no call to wait in. */
function untilPerson(
  connection: CallConnection | undefined,
  signal: AbortSignal,
): Promise<unknown> | undefined {
  if (!connection || countPeople(connection) > 0) return undefined;
  return connection.waitForParticipant({ timeoutMs: Infinity, signal });
}

/** Counts users: a person who joins with two devices counts once. */
function countPeople(connection: CallConnection | undefined): number {
  const users = new Set<string>();
  for (const { kind, userId } of connection?.participants.values() ?? []) {
    if (kind === "person") users.add(userId);
  }
  return users.size;
}

/** Throws unless the options can be used: a TypeError or, for a value, a RangeError. */
function checkConversationOptions(options: ConversationOptions): void {
  const { llm, stt, tts, vad, tools, vision, broadcastMetrics, outageMessage } = options;
  const check = (name: string, value: unknown, expected: string, method: string) => {
    if (value === undefined) return;
    checkMethods(value, name, expected, [method]);
    const { name: named } = value as { name?: unknown };
    if (typeof named === "string") return;
    throw new TypeError(`${name}: expected ${expected} with a name, got ${shown(named)}`);
  };
  const isConnecting = typeof llm === "object" && llm !== null && isRealtime(llm);
  check("llm", llm, "an LLM or a RealtimeLLM", isConnecting ? "connect" : "generate");
  check("stt", stt, "an STT, e.g. sttFromTranscriber({ ... })", "open");
  check("tts", tts, "a TTS, e.g. ttsFromSentences({ ... })", "open");
  check("vad", vad, "a VAD, e.g. energyVad()", "open");
  const turnDetection = options.turnHandling?.turnDetection;
  if (typeof turnDetection !== "string") {
    check(
      "turnHandling.turnDetection",
      turnDetection,
      "a TurnDetector, e.g. fixedEndpointing()",
      "endpointingDelayMs",
    );
  }
  if (tools !== undefined && !Array.isArray(tools)) {
    throw new TypeError(`tools: expected an array, got ${shown(tools)}`);
  }
  for (const [index, tool] of (tools ?? []).entries()) {
    const name = `tools[${index}]`;
    check(name, tool, "a tool, e.g. defineTool({ ... })", "execute");
    checkObject(tool.parameters, `${name}.parameters`, "a JSON schema");
    if (!(tool.timeoutMs > 0)) {
      throw new RangeError(
        `${name}.timeoutMs: expected a number > 0, got ${shown(tool.timeoutMs)}`,
      );
    }
    checkToolOptions(name, tool);
  }
  for (const hook of ["onToolStarted", "onToolEnded"] as const) {
    const value = options[hook];
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(`${hook}: expected a function, got ${shown(value)}`);
  }
  for (const name of ["backgroundSound", "thinkingSound"] as const) {
    const sound = options[name];
    if (sound === undefined) continue;
    assertPcmChunk(sound, name);
    if (sound.frames === 0) throw new RangeError(`${name}: expected a sound, got one of 0 ms`);
  }
  const { textTransform, pronunciations } = options;
  if (textTransform !== undefined && typeof textTransform !== "function") {
    throw new TypeError(`textTransform: expected a function, got ${shown(textTransform)}`);
  }
  if (pronunciations !== undefined) {
    checkObject(pronunciations, "pronunciations", 'an object like { Nguyen: "Win" }');
    for (const [word, spoken] of Object.entries(pronunciations)) {
      if (word !== "" && typeof spoken === "string") continue;
      const name = `pronunciations[${JSON.stringify(word)}]`;
      throw new TypeError(`${name}: expected a text for a word, got ${shown(spoken)}`);
    }
  }
  checkFailureOptions(options.onFailure);
  if (options.awayAfterMs !== undefined) checkDuration("awayAfterMs", options.awayAfterMs);
  if (vision !== undefined) checkObject(vision, "vision");
  if (outageMessage !== undefined) checkPreparedSpeech("outageMessage", outageMessage);
  if (vision?.encoder !== undefined) {
    checkMethods(vision.encoder, "vision.encoder", "an ImageEncoder", ["encode"]);
  }
  if (broadcastMetrics !== undefined && typeof broadcastMetrics !== "boolean") {
    checkObject(broadcastMetrics, "broadcastMetrics", "true, false or { everyMs }");
  }
}

/** Whether these options say no more than that the realtime model takes the turns. */
function onlyNamesRealtime(turnHandling: TurnHandlingOptions): boolean {
  const { turnDetection, ...others } = turnHandling;
  return turnDetection === "realtime" &&
    Object.values(others).every((value) => value === undefined);
}

function isRealtime(llm: LLM | RealtimeLLM): llm is RealtimeLLM {
  return "connect" in llm;
}
