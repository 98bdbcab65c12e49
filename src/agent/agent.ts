import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { AudioTrack, AudioTrackMode, OutboundAudioTrack } from "../edge/audio_track.ts";
import type { Call, CreateCallOptions } from "../edge/call.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { CloseReason, JsonValue, Participant, User } from "../edge/types.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { EncodedImage } from "../inference/contracts/messages.ts";
import type { EncodeFrameOptions } from "../inference/vision/encode_frame.ts";
import type { EventManager } from "../events/event_manager.ts";
import type { GenerateReplyOptions, SayOptions } from "../inference/pipelines/pipeline.ts";
import type { SpeechOutcome } from "../inference/speech/speech_handle.ts";
import { guardedLogger, type Logger } from "../events/logger.ts";
import { checkMethods, checkObject, shown } from "../events/checks.ts";
import { promised, promiseIn, type Report, UserHook } from "../events/user_code.ts";
import type { Clock } from "../events/clock.ts";
import type { AgentContext } from "./agent_context.ts";
import { type AgentJoinOptions, type AgentOptions, checkAgentOptions } from "./agent_options.ts";
import type { Processor } from "./processor.ts";
import { ClosedError } from "../edge/errors.ts";
import { ErrorEvent } from "../edge/events.ts";
import { checkCall } from "../edge/validation.ts";
import { checkDuration, waitFor } from "../events/waiting.ts";
import { loadKernel } from "../native/load.ts";
import { AgentLifecycle } from "./agent_lifecycle.ts";
import type { AgentSession } from "./agent_session.ts";
import { ConversationProcessor } from "./conversation_processor.ts";
import { lazyKernel } from "./lazy_kernel.ts";
import { AgentInput } from "./agent_input.ts";
import { allowAll } from "../inference/speakers/speaker_filter.ts";

/** An edge that takes longer than this for a step before the join is given up; each sets limits of its own. */
const EDGE_LIMIT_MS = 30_000;

/**
 * Someone who joins a call to hear, see and speak, and is a program.
 *
 * An agent joins one call, once. What it hears goes to its processors, what it says is written to
 * `audio`.
 *
 * What it is asked to do (`say`, `generateReply`, `interrupt`, `sendCustomEvent`, `waitForFirstFrame`,
 * `latestImage`) need not be awaited: a failure is an `ErrorEvent` of the edge too, at most once a
 * second, unless it was given up or the agent is closed. Whoever awaits it gets the rejection.
 *
 * @example An echo
 * ```ts
 * import { Agent } from "@ringline/edge";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * await using edge = new MemoryEdge();
 * const agent = new Agent({
 *   edge,
 *   agentUser: { id: "echo", name: "Echo" },
 *   audioMode: "live",
 *   onAudio: ({ pcm }, { audio }) => audio.write(pcm),
 * });
 * const call = await agent.createCall("default", "kitchen");
 * await using session = await agent.join(call, { participantWaitTimeoutMs: 0 });
 * console.log(session.connection.state); // waiting
 * ```
 */
export class Agent implements AgentContext {
  /** The edge that the call is reached over. */
  readonly edge: EdgeTransport;
  /** Who it is in the calls. */
  readonly user: User;
  /** What it was told to be. */
  readonly instructions: string;
  /** What is done with what it hears and sees. */
  readonly processors: readonly Processor[];
  /** Where it says what people should read. */
  readonly logger: Logger;
  /** Where its time comes from. */
  readonly clock: Clock;
  readonly #audioMode: AudioTrackMode;
  readonly #video: VideoTrack | undefined;
  readonly #senses: AgentInput;
  readonly #conversation: ConversationProcessor | undefined;
  readonly #lifecycle: AgentLifecycle;
  readonly #report: Report;
  readonly #asked: UserHook<Promise<unknown>, AbortSignal | undefined>;
  #audio: AudioTrack | undefined;
  #authenticating: Promise<void> | undefined;
  #hasJoined = false;
  #closing: Promise<void> | undefined;

  /**
   * Makes an agent.
   *
   * @throws {TypeError | RangeError} an option is not what it should be; nothing has been started.
   */
  constructor(options: AgentOptions) {
    checkAgentOptions(options);
    const { edge, agentUser, audioRate = 16_000, hearsAgents = false } = options;
    this.edge = edge;
    this.user = agentUser;
    this.instructions = options.instructions ?? "";
    this.clock = options.clock ?? edge.clock;
    this.logger = guardedLogger(options.logger ?? edge.logger, this.clock);
    this.#audioMode = options.audioMode ?? "speech";
    const { onAudio } = options;
    this.#conversation = ConversationProcessor.from(options);
    this.processors = [
      ...options.processors ?? [],
      ...onAudio
        ? [{ name: "onAudio", processAudio: (heard: ParticipantAudio) => onAudio(heard, this) }]
        : [],
      ...this.#conversation ? [this.#conversation] : [],
    ];
    this.#video = options.publishVideo === false
      ? undefined
      : options.publishVideo ?? this.processors.find((one) => one.videoTrack)?.videoTrack;
    const report = this.#report = (error: unknown, context: string) => {
      edge.events.announce(new ErrorEvent({ connection: this.connection, error, context }));
    };
    this.#asked = new UserHook(async (asked, signal) => {
      try {
        await asked;
      } catch (error) {
        // Whoever gave it up, or asks after the end, knows.
        if (!signal?.aborted && !(error instanceof ClosedError)) throw error;
      }
    }, { clock: this.clock, report, context: "what the agent was asked to do" });
    this.#senses = new AgentInput({
      edge,
      processors: this.processors,
      speakerFilter: options.speakerFilter ?? allowAll,
      sampleRate: audioRate,
      hearsAgents,
      kernel: options.kernel ??
        lazyKernel(() => loadKernel({ logger: (line) => this.logger.info(line) })),
      clock: this.clock,
      report,
    });
    this.#lifecycle = new AgentLifecycle(this, {
      hearing: { sampleRate: audioRate, agents: hearsAgents },
      processors: this.processors,
      senses: this.#senses,
      conversationProcessor: this.#conversation,
      publishAudio: options.publishAudio ?? true,
      track: () => this.#track(),
      authenticate: () => this.#authenticate(),
      report,
    });
  }

  /** What the agent says. Written before it joins, it is said when it has. */
  get audio(): OutboundAudioTrack {
    return this.#track();
  }

  /** The picture that it publishes, if it does. */
  get video(): VideoTrack | undefined {
    return this.#video;
  }

  /** Its presence in the call, once it has joined. */
  get connection(): CallConnection | undefined {
    return this.#lifecycle.connection;
  }

  /** What was said in the call, once it has joined. */
  get conversation(): Conversation | undefined {
    return this.#lifecycle.conversation;
  }

  /**
   * What happens in the conversation: speech, turns, answers, interruptions, and how long they took.
   *
   * @throws {TypeError} the agent was made without a model.
   */
  get events(): EventManager {
    return this.#expectConversation().events;
  }

  /** Slots of 20 ms that were dropped because the processors were too slow. */
  get droppedSlots(): number {
    return this.#senses.audio.dropped;
  }

  /** The same by participant id, of the participants who had any last. */
  get droppedSlotsByParticipant(): ReadonlyMap<string, number> {
    return this.#senses.audio.droppedBy;
  }

  /** How many tracks are being listened to, or were and have not been processed to their end. */
  get openInputTracks(): number {
    return this.#senses.audio.inlets;
  }

  /**
   * Creates a call or finds the one that exists; authenticates before, unless it has.
   *
   * @throws what the edge rejects with; a `TimeoutError` after 30 seconds, the signal's reason.
   */
  async createCall(
    callType: string,
    callId: string,
    options: Omit<CreateCallOptions, "callType"> = {},
  ): Promise<Call> {
    checkObject(options, "options", "an object, or nothing");
    await this.#authenticate();
    const init = { createdBy: this.user, ...options, callType };
    return await waitFor(promised(() => this.edge.createCall(callId, init)), "creating the call", {
      timeoutMs: EDGE_LIMIT_MS,
      signal: options.signal,
      clock: this.clock,
    });
  }

  /**
   * Joins a call: starts the processors together, authenticates, joins, publishes voice and picture
   * in one negotiation, opens the conversation, waits for a person, and begins to listen. What
   * people say meanwhile is not lost.
   *
   * What fails makes the join reject, and everything done so far is undone.
   *
   * @throws {TypeError} `call` is none, or the agent has joined before.
   */
  async join(call: Call, options: AgentJoinOptions = {}): Promise<AgentSession> {
    checkCall(call);
    checkObject(options, "options", "an object, or nothing");
    const { participantWaitTimeoutMs = 10_000, timeoutMs = 10_000, signal } = options;
    checkDuration("participantWaitTimeoutMs", participantWaitTimeoutMs);
    checkDuration("timeoutMs", timeoutMs);
    signal?.throwIfAborted();
    if (this.#closing) throw new ClosedError("the agent");
    if (this.#hasJoined) throw new TypeError("an agent joins once: make another for another call");
    this.#hasJoined = true;
    try {
      return await this.#lifecycle.join(call, { participantWaitTimeoutMs, timeoutMs, signal });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Resolves with a person who is in the call, as soon as there is one.
   *
   * @throws a `TimeoutError`, the signal's reason, or `ClosedError`.
   */
  async waitForParticipant(
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Participant> {
    return await this.#expectConnection().waitForParticipant(options);
  }

  /** For how long no person has been in the call, in monotonic milliseconds; 0 while one is. */
  idleForMs(): number {
    return this.connection?.idleForMs() ?? 0;
  }

  /** For how long the agent is, or was, on the call, in monotonic milliseconds. */
  onCallForMs(): number {
    return this.connection?.onCallForMs() ?? 0;
  }

  /** Sends data of the application's own to all participants; see `Connection.sendCustomEvent`. */
  sendCustomEvent(data: JsonValue): Promise<void> {
    return this.#ask(async () => {
      const connection = this.#expectConnection();
      await this.edge.sendCustomEvent(data, { connection });
    });
  }

  /**
   * Says `text`, after what is being said or, with `interrupt`, instead of it. Resolves when it was
   * heard, or cut off, with what was heard.
   *
   * @throws {TypeError} `text` is none, or the agent was made without a model or has not joined.
   */
  say(text: string, options?: SayOptions): Promise<SpeechOutcome> {
    return this.#ask(() => {
      checkSpoken("say", text, options);
      return this.#expectConversation().say(text, options);
    });
  }

  /**
   * Answers `text` as if it had been said in the call. Resolves when the answer was heard, or cut
   * off, with what was heard.
   *
   * @throws {TypeError} `text` is none, or the agent was made without a model or has not joined.
   */
  generateReply(text: string, options?: GenerateReplyOptions): Promise<SpeechOutcome> {
    return this.#ask(() => {
      checkSpoken("generateReply", text, options);
      return this.#expectConversation().generateReply(text, options);
    });
  }

  /**
   * Resolves with the first frame of what the agent sees, or the latest one.
   *
   * @throws {TypeError} its model cannot be shown pictures. A `TimeoutError`, or the signal's reason.
   */
  waitForFirstFrame(
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<VideoFrame> {
    return this.#ask(() => this.#expectConversation().waitForFirstFrame(options), options);
  }

  /** What the agent sees right now as a JPEG or PNG; `undefined` when it sees nothing. */
  latestImage(options: EncodeFrameOptions = {}): Promise<EncodedImage | undefined> {
    return this.#ask(() => this.#expectConversation().latestImage(options));
  }

  /** Falls silent at once, and forgets what it was going to say. */
  interrupt(): Promise<void> {
    return this.#ask(() => this.#expectConversation().interrupt());
  }

  /**
   * Resolves with the reason when the call is over for the agent. Aborting `signal` closes the
   * agent, and is no error.
   */
  async finish(options: { signal?: AbortSignal } = {}): Promise<CloseReason> {
    const connection = this.#expectConnection();
    const { signal } = options;
    const stop = () => void this.close();
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await connection.closed;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /**
   * Leaves the call and releases everything but the edge. Idempotent; everybody who calls it awaits
   * the same end. Never rejects: what goes wrong is reported. May be called from any handler.
   */
  close(): Promise<void> {
    if (this.#closing) return this.#closing;
    const done = Promise.withResolvers<void>();
    // Set before anything happens, since what happens may call close again.
    this.#closing = done.promise;
    this.#lifecycle.leave()
      .then(() => this.#audio?.close())
      .catch((error) => this.#report(error, "closing the agent"))
      .finally(done.resolve);
    return done.promise;
  }

  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Does what is often not awaited, as in a hook: a failure is told, and ends no program. */
  #ask<T>(call: () => Promise<T>, options?: { signal?: AbortSignal }): Promise<T> {
    const asked = promised(call);
    void this.#asked.run(asked, options?.signal);
    return asked;
  }

  #authenticate(): Promise<void> {
    // A failure is not kept: the next call tries again.
    return this.#authenticating ??= waitFor(
      promised(() => this.edge.authenticate(this.user)),
      "authenticating",
      { timeoutMs: EDGE_LIMIT_MS, clock: this.clock },
    ).catch((error) => {
      this.#authenticating = undefined;
      throw error;
    });
  }

  #track(): AudioTrack {
    if (!this.#audio) {
      const track = this.edge.createAudioTrack({ mode: this.#audioMode });
      promiseIn<unknown>(track)?.catch(() => {});
      checkMethods(track, "edge.createAudioTrack", "an AudioTrack", ["write", "flush", "bind"]);
      this.#audio = track;
      if (this.#closing) this.#audio.close();
    }
    return this.#audio;
  }

  #expectConversation(): ConversationProcessor {
    if (this.#conversation) return this.#conversation;
    throw new TypeError(
      "this agent has no language model: pass llm, stt and tts (or a realtime llm)",
    );
  }

  #expectConnection(): CallConnection {
    if (this.connection) return this.connection;
    throw new TypeError("the agent has not joined a call");
  }
}

function checkSpoken(name: string, text: unknown, options: unknown): void {
  if (typeof text !== "string") {
    throw new TypeError(`${name}: expected a text, got ${shown(text)}`);
  }
  if (options !== undefined) checkObject(options, `the options of ${name}`);
}
