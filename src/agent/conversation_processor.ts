/** The processor that holds an agent's conversation. @module */
import type { PipelineContext } from "../inference/pipeline_context.ts";
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { OutboundAudioTrack } from "../edge/audio_track.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import { type AgentState, type Participant, type TrackInfo, TrackType } from "../edge/types.ts";
import { attempt } from "../events/user_code.ts";
import type {
  GenerateReplyOptions,
  Pipeline,
  SayOptions,
  TextOptions,
  UserTurnOptions,
} from "../inference/pipelines/pipeline.ts";
import type { TextReply } from "../inference/reply/text_replies.ts";
import type { SpeechOutcome } from "../inference/speech/speech_handle.ts";
import type { VideoFrame } from "../edge/video_frame.ts";
import type { EncodedImage } from "../inference/contracts/messages.ts";
import type { EncodeFrameOptions } from "../inference/vision/encode_frame.ts";
import type { AgentContext } from "./agent_context.ts";
import type { Processor } from "./processor.ts";
import { emitError } from "./reported_errors.ts";
import { EventManager } from "../events/event_manager.ts";
import type { AgentUpdate, HandoffOptions } from "./agent_context.ts";
import { ConversationMetrics, metricsEveryMs } from "./conversation_metrics.ts";
import { type ConversationOptions, isRealtime } from "./conversation_options.ts";
import {
  cascadedComponents,
  componentsOf,
  type ConversationSettings,
  realtimeComponents,
  settingsOf,
} from "./conversation_settings.ts";
import { ConversationStates } from "./conversation_states.ts";
import { type ChangedConversation, ConversationChanges } from "./conversation_changes.ts";
import { AgentStateChangedEvent, conversationEvents } from "../inference/contracts/events.ts";
import { missingComponent, noLLM } from "../inference/pipelines/missing_components.ts";
import { CascadedPipeline } from "../inference/pipelines/cascaded_pipeline.ts";
import { RealtimePipeline } from "../inference/pipelines/realtime_pipeline.ts";
import { MAX_SIDE } from "../inference/vision/encode_frame.ts";
import { LatestFrame } from "../inference/vision/latest_frame.ts";
import { ToolExecutor } from "../inference/reply/tool_executor.ts";
import { ToolLedger } from "../inference/reply/tool_ledger.ts";

/** The most texts that are kept while the agent joins. */
const MAX_EARLY_TEXTS = 32;

/** The people are away after so long, unless the options say otherwise. */
const AWAY_AFTER_MS = 15_000;

/** The call that a pipeline is opened for. */
interface OpenCall {
  conversation: Conversation;
  track: OutboundAudioTrack;
  /** Samples per second of the audio that the agent receives. */
  sampleRate: number;
  /** Aborted when the join is. */
  signal: AbortSignal;
}

/** The processor that turns what an agent hears into replies: starts its models and its pipeline. */
export class ConversationProcessor implements Processor {
  readonly name = "conversation";
  readonly events: EventManager;
  /** Defined only if the model accepts images: without it the agent subscribes to no video. */
  readonly processVideo: ((frame: VideoFrame, track: TrackInfo) => void) | undefined;
  readonly videoFps: number;
  readonly videoMaxSide: number;
  /** The options that stay as they are. */
  readonly #options: ConversationOptions;
  readonly #changes: ConversationChanges;
  readonly #metricsEveryMs: number;
  #agent: AgentContext | undefined;
  #pipeline: Pipeline | undefined;
  #toolLedger: ToolLedger | undefined;
  #metrics: ConversationMetrics | undefined;
  #states: ConversationStates | undefined;
  #latestFrame: LatestFrame | undefined;
  readonly #earlyTexts: (readonly [Participant, string])[] = [];

  /** Returns a processor with these models, or `undefined` if there are none. */
  static from(
    options: ConversationOptions & { instructions?: string },
  ): ConversationProcessor | undefined {
    const { llm, stt, tts, instructions = "" } = options;
    const settings = settingsOf(options, { instructions });
    return llm || stt || tts ? new ConversationProcessor(settings) : undefined;
  }

  private constructor(settings: ConversationSettings) {
    const { options, llm } = settings;
    this.#options = options;
    this.#changes = new ConversationChanges(
      settings,
      (error, context) => this.#report(error, context),
    );
    this.#metricsEveryMs = metricsEveryMs(options.broadcastMetrics);
    this.videoFps = options.vision?.fps ?? 2;
    this.videoMaxSide = options.vision?.maxSide ?? MAX_SIDE;
    this.processVideo = llm.acceptsImages
      ? (frame, track) => this.#latestFrame?.show(frame, track)
      : undefined;
    this.events = new EventManager({
      onError: (error, event) => this.#report(error, `a subscriber of ${event.constructor.name}`),
    });
    this.events.register(...conversationEvents);
  }

  /** The instructions as they are now. */
  get instructions(): string {
    return this.#changes.settings.instructions;
  }

  /** Whether another agent has taken over. */
  get isHandedOver(): boolean {
    return this.#changes.settings.agentName !== undefined;
  }

  async start(agent: AgentContext, { signal }: { signal: AbortSignal }): Promise<void> {
    this.#agent = agent;
    const { clock, logger } = agent;
    this.#latestFrame = new LatestFrame(clock);
    this.#states = new ConversationStates({
      clock,
      awayAfterMs: this.#options.awayAfterMs ?? AWAY_AFTER_MS,
      emit: (event) => {
        if (event instanceof AgentStateChangedEvent) this.#showState(event.state);
        this.events.send(event);
      },
      undecidedSpeechMs: () => this.#pipeline?.undecidedSpeechMs() ?? 0,
    });
    const emit = (event: object) => this.events.send(event);
    await this.#changes.start({ clock, logger, signal, emit });
  }

  /** Opens the pipeline: the agent has joined its call and may speak from now on. */
  async open(call: OpenCall): Promise<void> {
    const agent = this.#agent!;
    const states = this.#states!;
    const emit = (event: object) => {
      this.events.send(event);
      states.observe(event);
    };
    const toolLedger = this.#toolLedger = this.#openToolLedger(call.conversation, emit);
    const context = this.#contextOf(call, toolLedger, emit);
    this.#startMetrics(agent, call.track);
    const prepare = await this.#openPipeline(context, call.signal);
    states.opened();
    this.#changes.opened({
      agent,
      toolLedger,
      prepare,
      onTaken: (settings) => this.#metrics?.use(componentsOf(settings)),
      untilPerson: (signal) => untilPerson(agent.connection, signal),
      reply: (run) => this.#pipeline?.replyAsNext(run),
      emit,
    });
    for (const [participant, text] of this.#earlyTexts.splice(0)) {
      this.#pipeline?.textReceived(participant, text);
    }
  }

  #openToolLedger(conversation: Conversation, emit: (event: object) => void): ToolLedger {
    const agent = this.#agent!;
    const { clock, logger } = agent;
    const { onToolStarted, onToolEnded } = this.#options;
    const { tools = [] } = this.#changes.settings.options;
    return new ToolLedger({
      executor: new ToolExecutor(tools, { clock, logger }),
      onHandoff: async ({ to }, run, check) => {
        await this.#changes.handoff(to as HandoffOptions, { run, check });
        return `handed over to ${(to as HandoffOptions).name}`;
      },
      agent,
      earlier: conversation.messages.flatMap(({ toolCall }) => toolCall ?? []),
      clock,
      emit,
      report: (error, context) => this.#report(error, context),
      onToolStarted,
      onToolEnded,
    });
  }

  /** Returns what the pipeline and its stages know of the agent and the call. */
  #contextOf(
    { conversation, track, sampleRate }: OpenCall,
    toolLedger: ToolLedger,
    emit: (event: object) => void,
  ): PipelineContext {
    const agent = this.#agent!;
    const { clock, user: agentUser, logger } = agent;
    const { backgroundSound, thinkingSound } = this.#options;
    const changes = this.#changes;
    return {
      clock,
      logger,
      agentUser,
      get agentName() {
        return changes.settings.agentName;
      },
      get instructions() {
        return changes.settings.instructions;
      },
      conversation,
      track,
      sampleRate,
      toolLedger,
      usage: { sttAudioMs: 0, ttsCharacters: 0 },
      latestImage: () => this.latestImage(),
      countPeople: () => countPeople(agent.connection),
      isHere: ({ id }) => agent.connection?.participants.has(id) ?? false,
      background: backgroundSound || thinkingSound ? { backgroundSound, thinkingSound } : undefined,
      untilHeard: (signal) => untilPerson(agent.connection, signal),
      speechesChanged: (count) => this.#states?.speechesChanged(count),
      emit,
      report: (error, context) => this.#report(error, context),
    };
  }

  /** Opens the pipeline of the model's kind; returns how it prepares another conversation. */
  async #openPipeline(
    context: PipelineContext,
    signal: AbortSignal,
  ): Promise<ChangedConversation["prepare"]> {
    const { settings } = this.#changes;
    if (isRealtime(settings.llm)) {
      const { outageMessage } = this.#options;
      const components = realtimeComponents(settings);
      const pipeline = new RealtimePipeline(components, context, { outageMessage });
      this.#pipeline = pipeline;
      await pipeline.start(signal);
      return (next, history, run) => pipeline.prepare(realtimeComponents(next), history, run);
    }
    const pipeline = new CascadedPipeline(cascadedComponents(settings), context);
    this.#pipeline = pipeline;
    return (next, history) => pipeline.prepare(cascadedComponents(next), history);
  }

  processAudio(audio: ParticipantAudio): void | Promise<void> {
    const { llm, options: { stt } } = this.#changes.settings;
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
    if (track.muted) this.#audioStopped(track);
  }

  trackRemoved(track: TrackInfo): void {
    this.#audioStopped(track);
  }

  /** A camera, a screen or its sound that ends is no end of what the person says. */
  #audioStopped({ type, participant }: TrackInfo): void {
    if (type === TrackType.AUDIO) this.#pipeline?.muted(participant);
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

  /** Throws a TypeError where the agent does without this component. */
  expectComponent(option: "llm" | "tts"): void {
    const { llm, options: { tts } } = this.#changes.settings;
    if (isRealtime(llm)) return;
    if (option === "llm" ? llm === noLLM : !tts) throw missingComponent(option);
  }

  async say(text: string, options?: SayOptions): Promise<SpeechOutcome> {
    this.expectComponent("tts");
    return await this.#expectPipeline().say(text, options);
  }

  async generateReply(text: string, options?: GenerateReplyOptions): Promise<SpeechOutcome> {
    this.expectComponent("llm");
    return await this.#expectPipeline().generateReply(text, options);
  }

  /** Changes the agent; see `Agent.update`. */
  update(update: AgentUpdate): Promise<void> {
    return this.#changes.update(update);
  }

  /** Hands over to another agent; see `Agent.handoff`. */
  async handoff(to: HandoffOptions): Promise<void> {
    this.#expectPipeline();
    const ledger = this.#toolLedger!;
    // A tool may wait for it instead of returning it.
    const check = ledger.running.size > 0 ? () => ledger.handingOver() : undefined;
    await this.#changes.handoff(to, { check });
  }

  commitUserTurn(options?: UserTurnOptions): Promise<void> {
    return this.#expectPipeline().commitUserTurn(options);
  }

  clearUserTurn(options?: UserTurnOptions): void {
    this.#expectPipeline().clearUserTurn(options);
  }

  async text(text: string, options?: TextOptions): Promise<TextReply> {
    this.expectComponent("llm");
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
    this.#changes.close();
    this.#metrics?.[Symbol.dispose]();
    this.#states?.[Symbol.dispose]();
    this.#latestFrame?.close();
    await this.#pipeline?.close();
    await this.#toolLedger?.close();
    this.#metrics?.end();
    this.#metrics = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#changes.release();
    this.events.close();
  }

  #startMetrics(agent: AgentContext, track: OutboundAudioTrack): void {
    this.#metrics = new ConversationMetrics({
      events: this.events,
      clock: agent.clock,
      components: componentsOf(this.#changes.settings),
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

  /** Shows people what the agent does, where their front ends can. */
  #showState(state: AgentState): void {
    const { edge, connection } = this.#agent!;
    if (!connection) return;
    attempt(
      () => edge.showAgentState(connection, state),
      (error) => this.#report(error, "showing the agent's state"),
    );
  }

  #report(error: unknown, context: string): void {
    if (!this.#agent) return;
    const { edge, connection } = this.#agent;
    emitError(edge, { connection, error, context });
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
