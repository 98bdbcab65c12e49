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
} from "../inference/pipelines/pipeline.ts";
import type { LLM } from "../inference/contracts/llm.ts";
import type { RealtimeLLM } from "../inference/contracts/realtime_llm.ts";
import type { SpeechOutcome } from "../inference/speech/speech_handle.ts";
import type { STT } from "../inference/contracts/stt.ts";
import type { Tool } from "../inference/contracts/tool.ts";
import type { TTS } from "../inference/contracts/tts.ts";
import type { TurnDetector } from "../inference/contracts/turn_detector.ts";
import type { VAD } from "../inference/contracts/vad.ts";
import type { VideoFrame } from "../edge/video_frame.ts";
import type { EncodedImage } from "../inference/contracts/messages.ts";
import type { EncodeFrameOptions } from "../inference/vision/encode_frame.ts";
import type { AgentContext } from "./agent_context.ts";
import type { Processor } from "./processor.ts";
import { ErrorEvent } from "../edge/events.ts";
import { checkMethods, checkObject, shown } from "../events/checks.ts";
import { EventManager } from "../events/event_manager.ts";
import {
  type BroadcastMetricsOptions,
  ConversationMetrics,
  metricsEveryMs,
} from "./conversation_metrics.ts";
import { closeComponents, startComponents } from "../inference/contracts/component.ts";
import { conversationEvents, ToolCalledEvent } from "../inference/contracts/events.ts";
import { checkTurnHandling } from "../inference/pipelines/check_turn_handling.ts";
import { CascadedPipeline } from "../inference/pipelines/cascaded_pipeline.ts";
import type { TurnHandlingOptions } from "../inference/pipelines/turn_handling_options.ts";
import { RealtimePipeline } from "../inference/pipelines/realtime_pipeline.ts";
import { energyVad } from "../inference/vad/energy_vad.ts";
import { LatestFrame } from "../inference/vision/latest_frame.ts";
import { ToolExecutor } from "../inference/reply/tool_executor.ts";
import { punctuationEndpointing } from "../inference/contracts/turn_detector.ts";

/** What a model that can be shown pictures gets to see of the routed video track. */
export interface VisionOptions extends EncodeFrameOptions {
  /** How many frames a second are looked at; the latest is what the model is shown. Default 2. */
  fps?: number;
}

/** What an agent hears, thinks and speaks with. */
export interface ConversationOptions {
  /** The model that answers: one that reads and writes needs `stt` and `tts`, a realtime one none. */
  llm?: LLM | RealtimeLLM;
  /** Speech to text. */
  stt?: STT;
  /** Text to speech. */
  tts?: TTS;
  /**
   * Tells speech from noise. Default: {@linkcode energyVad}, by loudness, which detects almost no
   * speech in noise: pass `sileroVad()` of `@ringline/silero-vad`. A realtime model takes none.
   */
  vad?: VAD;
  /**
   * Decides when somebody's turn is over. Default: by how the text ends. A realtime model takes
   * none.
   */
  turnDetection?: TurnDetector;
  /** What the model can do beside talking. */
  tools?: readonly Tool[];
  /** How it takes part in the conversation. A realtime model takes none. */
  turnHandling?: TurnHandlingOptions;
  /** What the model is shown, where it can be shown pictures. */
  vision?: VisionOptions;
  /**
   * Whether everybody in the call is told how fast the agent answers, and what its queues and models
   * count: as a custom event `{ type: "metrics", ... }`, which LocalEdge's page shows. See
   * {@linkcode BroadcastMetricsOptions}. Default `false`.
   */
  broadcastMetrics?: boolean | BroadcastMetricsOptions;
}

/** The part of an agent that talks: starts its models, and leads from what is heard to an answer. */
export class ConversationProcessor implements Processor {
  readonly name = "conversation";
  readonly events: EventManager;
  /** Looks at video only where the model can be shown some. */
  readonly processVideo: ((frame: VideoFrame, track: TrackInfo) => void) | undefined;
  readonly videoFps: number;
  readonly #parts: ConversationOptions & { llm: LLM | RealtimeLLM };
  readonly #components: readonly Component[];
  readonly #metricsEveryMs: number;
  #agent: AgentContext | undefined;
  #flow: Pipeline | undefined;
  #metrics: Disposable | undefined;
  #sight: LatestFrame | undefined;
  #started = false;

  /** The part for these models, or none where there is no model. */
  static from(parts: ConversationOptions): ConversationProcessor | undefined {
    const { llm, stt, tts } = parts;
    checkParts(parts);
    checkTurnHandling(parts.turnHandling);
    if (!llm && !stt && !tts) return undefined;
    if (llm && isRealtime(llm)) {
      const needless = (["stt", "tts", "vad", "turnDetection", "turnHandling"] as const)
        .filter((name) => parts[name] !== undefined);
      if (needless.length > 0) {
        const list = needless.join(" and no ");
        throw new TypeError(
          `a realtime llm hears, takes turns and speaks itself: expected no ${list}`,
        );
      }
    } else if (!llm || !stt || !tts) {
      const missing = [!llm && "llm", !stt && "stt", !tts && "tts"].filter(Boolean).join(" and ");
      throw new TypeError(`llm, stt and tts go together: expected ${missing} too`);
    }
    return new ConversationProcessor({ ...parts, llm });
  }

  private constructor(parts: ConversationOptions & { llm: LLM | RealtimeLLM }) {
    this.#parts = isRealtime(parts.llm)
      ? parts
      : { vad: energyVad(), turnDetection: punctuationEndpointing(), ...parts };
    const { llm, stt, tts, vad, turnDetection } = this.#parts;
    this.#components = [llm, stt, tts, vad, turnDetection].filter((one) => one !== undefined);
    this.#metricsEveryMs = metricsEveryMs(parts.broadcastMetrics);
    this.videoFps = parts.vision?.fps ?? 2;
    this.processVideo = llm.acceptsImages
      ? (frame, track) => this.#sight?.show(frame, track)
      : undefined;
    this.events = new EventManager({
      onFailure: (error, event) => this.#report(error, `a subscriber of ${event.constructor.name}`),
    });
    this.events.register(...conversationEvents);
  }

  async start(agent: AgentContext, { signal }: { signal: AbortSignal }): Promise<void> {
    this.#agent = agent;
    const { clock, logger } = agent;
    this.#sight = new LatestFrame(clock);
    await startComponents(this.#components, { clock, logger, signal });
    this.#started = true;
  }

  /** The agent is in the call, has its voice, and may talk from now on. */
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
    const emit = (event: object) => this.events.send(event);
    const { llm, stt, tts, vad, turnDetection: turnDetector, tools = [], turnHandling } =
      this.#parts;
    const context: PipelineContext = {
      clock,
      agentUser,
      instructions,
      conversation,
      track,
      sampleRate,
      toolExecutor: new ToolExecutor(tools, {
        clock,
        logger,
        onCall: (report) => emit(new ToolCalledEvent(report)),
      }),
      latestImage: () => this.latestImage(),
      countPeople: () => countPeople(agent.connection),
      emit,
      report: (error, context) => this.#report(error, context),
    };
    this.#watch(agent, track);
    if (isRealtime(llm)) {
      const flow = new RealtimePipeline(llm, context, { logger });
      this.#flow = flow;
      await flow.start(signal);
    } else {
      const parts = { llm, stt: stt!, tts: tts!, vad: vad!, turnDetector: turnDetector! };
      this.#flow = new CascadedPipeline(parts, context, turnHandling);
    }
  }

  processAudio(audio: ParticipantAudio): void | Promise<void> {
    return this.#flow?.processAudio(audio);
  }

  participantLeft(participant: Participant): void {
    this.#flow?.participantLeft(participant);
    // To an empty room nothing is said; what was heard before stays as it was heard.
    if (participant.kind !== "person" || countPeople(this.#agent?.connection) > 0) return;
    this.#flow?.interrupt().catch((error) => this.#report(error, "falling silent"));
  }

  trackUpdated(track: TrackInfo): void {
    if (track.muted) this.#flow?.muted(track.participant);
  }

  trackRemoved(track: TrackInfo): void {
    this.#flow?.muted(track.participant);
  }

  videoSourceChanged(): void {
    this.#sight?.sourceChanged();
  }

  async waitForFirstFrame(
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<VideoFrame> {
    if (!this.processVideo) {
      throw new TypeError("the agent looks at no video: its llm accepts no images");
    }
    if (!this.#sight) throw new TypeError("the agent sees once it has joined a call");
    return (await this.#sight.waitForFrame(options)).frame;
  }

  latestImage(options: EncodeFrameOptions = {}): Promise<EncodedImage | undefined> {
    const { fps: _fps, ...wish } = this.#parts.vision ?? {};
    return this.#sight?.image({ ...wish, ...options }) ?? Promise.resolve(undefined);
  }

  say(text: string, options?: SayOptions): Promise<SpeechOutcome> {
    return this.#expectFlow().say(text, options);
  }

  generateReply(text: string, options?: GenerateReplyOptions): Promise<SpeechOutcome> {
    return this.#expectFlow().generateReply(text, options);
  }

  interrupt(): Promise<void> {
    return this.#expectFlow().interrupt();
  }

  /** Falls silent for good; what was said is in the conversation then. */
  async stop(): Promise<void> {
    this.#metrics?.[Symbol.dispose]();
    this.#sight?.close();
    await this.#flow?.close();
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

  #watch(agent: AgentContext, track: OutboundAudioTrack): void {
    this.#metrics = new ConversationMetrics({
      events: this.events,
      clock: agent.clock,
      components: this.#components,
      own: () => ({
        ...this.#flow?.metrics(),
        droppedSlots: agent.droppedSlots,
        bufferedMs: track.bufferedMs,
        playedMs: track.playedMs,
      }),
      broadcast: this.#parts.broadcastMetrics ? (data) => agent.sendCustomEvent(data) : undefined,
      everyMs: this.#metricsEveryMs,
      report: (error, context) => this.#report(error, context),
    });
  }

  #expectFlow(): Pipeline {
    if (this.#flow) return this.#flow;
    throw new TypeError("the agent can talk once it has joined a call");
  }

  #report(error: unknown, context: string): void {
    const connection = this.#agent?.connection;
    this.#agent?.edge.events.announce(new ErrorEvent({ connection, error, context }));
  }
}

/** One who is there with two devices is one. */
function countPeople(connection: CallConnection | undefined): number {
  const users = new Set<string>();
  for (const { kind, userId } of connection?.participants.values() ?? []) {
    if (kind === "person") users.add(userId);
  }
  return users.size;
}

/** Throws a TypeError for a model or a tool that is none. */
function checkParts(parts: ConversationOptions): void {
  const { llm, stt, tts, vad, turnDetection, tools, vision, broadcastMetrics } = parts;
  const check = (name: string, value: unknown, expected: string, method: string) => {
    if (value === undefined) return;
    checkMethods(value, name, expected, [method]);
    const { name: named } = value as { name?: unknown };
    if (typeof named === "string") return;
    throw new TypeError(`${name}: expected ${expected} with a name, got ${shown(named)}`);
  };
  const isConnecting = typeof llm === "object" && llm !== null && isRealtime(llm);
  check("llm", llm, "an LLM or a RealtimeLLM", isConnecting ? "connect" : "generate");
  check("stt", stt, "an STT", "transcribe");
  check("tts", tts, "a TTS", "synthesize");
  check("vad", vad, "a VAD, e.g. energyVad()", "open");
  check(
    "turnDetection",
    turnDetection,
    "a TurnDetector, e.g. fixedEndpointing()",
    "endpointingDelayMs",
  );
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
  }
  if (vision !== undefined) checkObject(vision, "vision");
  if (vision?.encoder !== undefined) {
    checkMethods(vision.encoder, "vision.encoder", "an ImageEncoder", ["encode"]);
  }
  if (broadcastMetrics !== undefined && typeof broadcastMetrics !== "boolean") {
    checkObject(broadcastMetrics, "broadcastMetrics", "true, false or { everyMs }");
  }
}

function isRealtime(llm: LLM | RealtimeLLM): llm is RealtimeLLM {
  return "connect" in llm;
}
