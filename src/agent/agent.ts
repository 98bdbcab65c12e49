/** The agent: a program's participant in a call. @module */
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { DirectedAudioOptions, OutboundAudioTrack } from "../edge/audio_track.ts";
import type { Call, CreateCallOptions } from "../edge/call.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { CloseReason, JsonValue, Participant, User } from "../edge/types.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { EncodedImage } from "../inference/contracts/messages.ts";
import type { EncodeFrameOptions } from "../inference/vision/encode_frame.ts";
import type { EventManager } from "../events/event_manager.ts";
import type {
  GenerateReplyOptions,
  SayOptions,
  TextOptions,
  UserTurnOptions,
} from "../inference/pipelines/pipeline.ts";
import type { TextReply } from "../inference/reply/text_replies.ts";
import type { SpeechOutcome } from "../inference/speech/speech_handle.ts";
import { ErrorEvent } from "../edge/events.ts";
import { isReported } from "./reported_errors.ts";
import { guardedLogger, type Logger } from "../events/logger.ts";
import { checkOptions, checkSignal } from "../events/checks.ts";
import type { Report } from "../events/user_code.ts";
import type { Clock } from "../events/clock.ts";
import type {
  AgentContext,
  AgentUpdate,
  CloseOptions,
  HandoffOptions,
  HangUpOptions,
} from "./agent_context.ts";
import { type AgentJoinOptions, type AgentOptions, checkAgentOptions } from "./agent_options.ts";
import type { Processor } from "./processor.ts";
import { ClosedError } from "../edge/errors.ts";
import { checkCall } from "../edge/validation.ts";
import { checkDuration } from "../events/waiting.ts";
import { loadKernel } from "../native/load.ts";
import { AgentEnding } from "./agent_ending.ts";
import { AgentLifecycle } from "./agent_lifecycle.ts";
import { AgentRequests } from "./agent_requests.ts";
import type { AgentSession } from "./agent_session.ts";
import { checkText, SAY_OPTIONS } from "./check_text.ts";
import { ConversationProcessor } from "./conversation_processor.ts";
import { missingComponent } from "../inference/pipelines/missing_components.ts";
import { lazyKernel } from "./lazy_kernel.ts";
import { EdgeAccess } from "./edge_access.ts";
import { AgentInput } from "./agent_input.ts";
import { allowAll } from "../inference/speakers/speaker_filter.ts";

/**
 * A program that joins a call as a participant: it receives and sends audio and video.
 *
 * An agent joins one call, once. It passes the audio and video that it receives to its processors,
 * and sends the audio that is written to `audio`.
 *
 * The promises of `say`, `generateReply`, `text`, `interrupt`, `commitUserTurn`, `clearUserTurn`,
 * `sendCustomEvent`, `waitForFirstFrame` and `latestImage` need not be awaited. A failure rejects the
 * promise, and causes an `ErrorEvent` of the edge, at most once a second; the event is left out after an
 * abort and once the agent is closed.
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
  /** The user that the agent is in its call. */
  readonly user: User;
  /** The processors, in order; the last is the conversation's, if there is a model. */
  readonly processors: readonly Processor[];
  /** The agent's logger. */
  readonly logger: Logger;
  /** The agent's source of time. */
  readonly clock: Clock;
  readonly #instructions: string;
  readonly #video: VideoTrack | undefined;
  readonly #input: AgentInput;
  readonly #conversation: ConversationProcessor | undefined;
  readonly #lifecycle: AgentLifecycle;
  readonly #ending: AgentEnding;
  readonly #access: EdgeAccess;
  readonly #requests: AgentRequests;
  #hasJoined = false;

  /**
   * Creates an agent.
   *
   * @throws {TypeError | RangeError} an option has the wrong type or is out of range; nothing has been
   *   started.
   */
  constructor(options: AgentOptions) {
    checkAgentOptions(options);
    const { edge, agentUser, sampleRate = 16_000, hearsAgents = false } = options;
    this.edge = edge;
    this.user = agentUser;
    this.#instructions = options.instructions ?? "";
    this.clock = options.clock ?? edge.clock;
    this.logger = guardedLogger(options.logger ?? edge.logger, this.clock);
    const { onAudio } = options;
    this.#conversation = ConversationProcessor.from(options);
    this.processors = [
      ...options.processors ?? [],
      ...onAudio
        ? [{ name: "onAudio", processAudio: (audio: ParticipantAudio) => onAudio(audio, this) }]
        : [],
      ...options.onEnter ? [{ name: "onEnter", onEnter: this.#greeting(options.onEnter) }] : [],
      ...this.#conversation ? [this.#conversation] : [],
    ];
    // The conversation's processor shows what people write; without a model this one does.
    const transcript: Processor = {
      name: "the transcript",
      textReceived: ({ userId, id: participantId }, text) =>
        void this.conversation?.append({ role: "user", userId, participantId, text }),
    };
    this.#video = options.publishVideo === false
      ? undefined
      : options.publishVideo ?? this.processors.find((one) => one.videoTrack)?.videoTrack;
    const report: Report = (error, context) => {
      if (isReported(error)) return;
      edge.events.emit(new ErrorEvent({ connection: this.connection, error, context }));
    };
    const isClosing = () => this.#ending.isClosing;
    const { clock, user } = this;
    const { audioMode = "speech" } = options;
    this.#access = new EdgeAccess({ edge, user, clock, audioMode, isClosing });
    this.#requests = new AgentRequests({ clock, isClosing, report });
    this.#input = new AgentInput({
      edge,
      processors: this.#conversation ? this.processors : [...this.processors, transcript],
      inputFilters: options.inputFilters ?? [],
      speakerFilter: options.speakerFilter ?? allowAll,
      sampleRate,
      hearsAgents,
      kernel: options.kernel ??
        lazyKernel(() => loadKernel({ logger: (line) => this.logger.info(line) })),
      clock: this.clock,
      report,
    });
    this.#ending = new AgentEnding({
      edge,
      clock: this.clock,
      conversation: this.#conversation,
      track: () => this.#access.usedTrack,
      leave: () => this.#lifecycle.leave(),
      report,
    });
    this.#lifecycle = new AgentLifecycle(this, {
      audioSubscription: { sampleRate, agents: hearsAgents },
      processors: this.processors,
      input: this.#input,
      conversationProcessor: this.#conversation,
      publishAudio: options.publishAudio ?? true,
      maxCallMs: options.maxCallMs ?? Infinity,
      closeWhenIdleMs: options.closeWhenIdleMs ?? Infinity,
      history: options.history,
      track: () => this.#access.track,
      authenticate: () => this.#access.authenticate(),
      report,
    });
  }

  /** The instructions for the model, as they are now. */
  get instructions(): string {
    return this.#conversation?.instructions ?? this.#instructions;
  }

  /** The agent's voice. Audio that is written before it joins is played once it has joined. */
  get audio(): OutboundAudioTrack {
    return this.#access.track;
  }

  /**
   * Creates an audio track that one person hears, and no other participant or agent: for a whisper, or
   * an interpreter's voice in their language. It plays beside the agent's voice, until it is closed. It
   * is closed when they have left, and what is written then rejects; one who is cut off and comes back
   * as the same participant hears what follows.
   *
   * Pass it to `say` or `generateReply` as `track`: then only that person can interrupt what is said.
   *
   * @example
   * ```ts
   * import { Agent, systemClock } from "@ringline/edge";
   * import { FakeTTS, MemoryEdge } from "@ringline/edge/testing";
   *
   * await using edge = new MemoryEdge();
   * const agent = new Agent({
   *   edge,
   *   agentUser: { id: "coach", name: "Coach" },
   *   tts: new FakeTTS(systemClock),
   * });
   * const call = await agent.createCall("default", "hall");
   * const anna = edge.enter(call, { userId: "anna" });
   * const bert = edge.enter(call, { userId: "bert" });
   * await using session = await agent.join(call);
   * const whisper = agent.createAudioTrack({ to: anna.participant });
   * await agent.say("Smile.", { track: whisper });
   * console.log(anna.heardMs > 0, bert.heardMs); // true 0
   * ```
   *
   * @throws {TypeError} the agent has not joined, `to` is no person, or its edge plays the same to all:
   *   see `edge.supportsDirectedAudio`.
   * @throws {RangeError} `othersGain` is not from 0 to 1.
   * @throws {EdgeError} the person is not in the call (`participant-left`).
   * @throws {ClosedError} the call is over.
   */
  createAudioTrack(options: DirectedAudioOptions): OutboundAudioTrack {
    const connection = this.#expectConnection();
    const track = this.#access.createDirectedTrack(connection, options);
    this.#requests.run(() => connection.publishDirectedAudio(track)).catch(() => track.close());
    return track;
  }

  /** The video track that the agent publishes, if it does. */
  get video(): VideoTrack | undefined {
    return this.#video;
  }

  /** The agent's presence in the call, once it has joined. */
  get connection(): CallConnection | undefined {
    return this.#lifecycle.connection;
  }

  /** The conversation of the call, once the agent has joined. */
  get conversation(): Conversation | undefined {
    return this.#lifecycle.conversation;
  }

  /**
   * The events of the conversation: speech, turns, replies, interruptions, and their latencies.
   *
   * @throws {TypeError} the agent has no model.
   */
  get events(): EventManager {
    return this.#expectConversation().events;
  }

  /** Slots of 20 ms that were dropped because the processors were too slow. */
  get droppedSlots(): number {
    return this.#input.audio.dropped;
  }

  /** Dropped slots per participant id. */
  get droppedSlotsByParticipant(): ReadonlyMap<string, number> {
    return this.#input.audio.droppedByParticipant;
  }

  /** The number of tracks whose audio is not fully processed. */
  get openInputTracks(): number {
    return this.#input.audio.openTracks;
  }

  /**
   * Creates a call or finds the one that exists; authenticates first, unless it already has.
   *
   * @throws the edge's rejection, a `TimeoutError` after 30 seconds, or the signal's reason.
   */
  async createCall(
    callType: string,
    callId: string,
    options: Omit<CreateCallOptions, "callType"> = {},
  ): Promise<Call> {
    return await this.#access.createCall(callType, callId, options);
  }

  /**
   * Joins a call: starts the processors together, authenticates, joins, publishes audio and video in
   * one negotiation, opens the conversation, waits for a person, and starts to process audio. It keeps
   * the audio that arrives meanwhile.
   *
   * A step that fails makes the join reject, and the agent undoes the steps before it.
   *
   * @throws {TypeError} `call` is not a call, or the agent has joined before.
   */
  async join(call: Call, options: AgentJoinOptions = {}): Promise<AgentSession> {
    checkCall(call);
    checkOptions(options, "options", {
      participantWaitTimeoutMs: true,
      timeoutMs: true,
      signal: true,
    }, "an object, or nothing");
    const { participantWaitTimeoutMs = 10_000, timeoutMs = 10_000, signal } = options;
    checkDuration("participantWaitTimeoutMs", participantWaitTimeoutMs);
    checkDuration("timeoutMs", timeoutMs);
    checkSignal(signal, "options.signal");
    signal?.throwIfAborted();
    if (this.#ending.isClosing) throw new ClosedError("the agent");
    if (this.#hasJoined) {
      throw new TypeError("an agent joins once: create another agent for another call");
    }
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
    checkOptions(options, "options", { timeoutMs: true, signal: true });
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
    return this.#requests.run(async () => {
      const connection = this.#expectConnection();
      await this.edge.sendCustomEvent(data, { connection });
    });
  }

  /**
   * Says `text` after the current speech or, with `interrupt`, instead of it. Resolves with the part
   * that was heard, once the speech has ended or was interrupted: in an empty call it waits until a person
   * is there to hear it. Rejects with what kept the text from being said, or from being said to its end.
   *
   * @throws {TypeError} `text` is not text, or the agent has no model or has not joined.
   */
  say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    return this.#requests.run(() => {
      checkOptions(options, "the options of say", SAY_OPTIONS);
      checkText("say", text, options);
      return this.#expectConversation("tts").say(text, options);
    });
  }

  /**
   * Replies to `text` as if it had been said in the call. Resolves with the part that was heard, once
   * the reply has ended or was interrupted: in an empty call it waits until a person is there to hear it.
   * Rejects with what the model or the voice failed with where nothing of it was heard.
   *
   * @throws {TypeError} `text` is not text, or the agent has no model or has not joined.
   */
  generateReply(text: string, options: GenerateReplyOptions = {}): Promise<SpeechOutcome> {
    return this.#requests.run(() => {
      const known = { ...SAY_OPTIONS, participant: true };
      checkOptions(options, "the options of generateReply", known);
      checkText("generateReply", text, options);
      return this.#expectConversation().generateReply(text, options);
    });
  }

  /**
   * Replies to `text` in text, without sound: for tests, and for a chat beside the call. Resolves with
   * the whole reply. The conversation shows both, and the model remembers both.
   *
   * What people write into the page's box needs no call of this: the agent replies to it as to speech.
   *
   * @throws {TypeError} `text` is not text, or the agent has no model or has not joined.
   * @throws what the model throws, or the signal's reason.
   */
  text(text: string, options: TextOptions = {}): Promise<TextReply> {
    return this.#requests.run(() => {
      checkOptions(options, "the options of text", { participant: true, signal: true });
      checkText("text", text, {});
      return this.#expectConversation().text(text, options);
    }, options);
  }

  /**
   * Resolves with the latest frame that the agent received, or the first one to arrive.
   *
   * @throws {TypeError} its model accepts no images.
   * @throws a `TimeoutError`, or the signal's reason.
   */
  waitForFirstFrame(
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<VideoFrame> {
    return this.#requests.run(() => {
      checkOptions(options, "options", { timeoutMs: true, signal: true });
      return this.#expectConversation().waitForFirstFrame(options);
    }, options);
  }

  /** Encodes the latest frame as a JPEG or PNG; `undefined` when there is none. */
  latestImage(options: EncodeFrameOptions = {}): Promise<EncodedImage | undefined> {
    return this.#requests.run(() => {
      checkOptions(options, "options", { maxSide: true, encoder: true });
      return this.#expectConversation().latestImage(options);
    });
  }

  /**
   * Ends the turn in progress of a participant, or of all who are speaking: where
   * `turnHandling.turnDetection` is `"manual"`, as in push to talk, nothing else does, and elsewhere it
   * does so before its time. Resolves when the text is known and the turn is over.
   *
   * @throws {TypeError} the agent has no model or has not joined, or its realtime model takes the turns.
   */
  commitUserTurn(options: UserTurnOptions = {}): Promise<void> {
    return this.#requests.run(async () => {
      checkOptions(options, "the options of commitUserTurn", { participant: true });
      await this.#expectConversation().commitUserTurn(options);
    });
  }

  /**
   * Forgets what a participant, or all who are speaking, have said in the turn in progress: the agent
   * does not reply to it and does not remember it.
   *
   * @throws {TypeError} as `commitUserTurn` does.
   */
  clearUserTurn(options: UserTurnOptions = {}): Promise<void> {
    return this.#requests.run(async () => {
      checkOptions(options, "the options of clearUserTurn", { participant: true });
      await this.#expectConversation().clearUserTurn(options);
    });
  }

  /**
   * Changes the agent in its call, or before it: its instructions, its tools and its models. What has
   * begun, and what waits to be said, is finished with the components before; everything that begins later
   * uses the new ones. Resolves when that is so, and an {@linkcode AgentUpdatedEvent} says it.
   *
   * New models are started first, which checks their keys: where that fails, the agent stays as it was.
   * Models that are not used any more are closed. Changes are made in the order of the calls. May be
   * awaited in a tool.
   *
   * @example
   * ```ts
   * import { Agent, systemClock } from "@ringline/edge";
   * import { FakeLLM, FakeTTS, MemoryEdge } from "@ringline/edge/testing";
   *
   * await using edge = new MemoryEdge();
   * const agent = new Agent({
   *   edge,
   *   agentUser: { id: "assistant", name: "Assistant" },
   *   llm: new FakeLLM(systemClock, ["Hello."]),
   *   tts: new FakeTTS(systemClock),
   * });
   * const call = await agent.createCall("default", "hall");
   * await using session = await agent.join(call, { participantWaitTimeoutMs: 0 });
   * await agent.update({ instructions: "Answer in French.", llm: new FakeLLM(systemClock, ["Oui."]) });
   * console.log(await agent.text("Do you speak French?")); // { text: "Oui." }
   * ```
   *
   * @throws {TypeError} an option cannot be changed in a call, or the agent has no model.
   * @throws {ClosedError} the agent is closed.
   * @throws what a new model's start throws, or a `TimeoutError`.
   */
  update(update: AgentUpdate): Promise<void> {
    return this.#requests.run(async () => {
      if (this.#ending.isClosing) throw new ClosedError("the agent");
      await this.#expectConversation().update(update);
    });
  }

  /**
   * Hands the call over to another agent: instructions and tools are its own, models and voice too where
   * it names them. Options that it leaves out are those of the agent that the call began with, not of one
   * that has taken over since. What is being said is finished; the next agent tells the results of tools
   * that still run. Resolves when it has taken over, and an {@linkcode AgentHandoffEvent} says it. In a
   * tool, return {@linkcode handoff} instead.
   *
   * @example
   * ```ts
   * import { Agent, systemClock } from "@ringline/edge";
   * import { FakeLLM, FakeTTS, MemoryEdge } from "@ringline/edge/testing";
   *
   * await using edge = new MemoryEdge();
   * const agent = new Agent({
   *   edge,
   *   agentUser: { id: "desk", name: "Front desk" },
   *   llm: new FakeLLM(systemClock),
   *   tts: new FakeTTS(systemClock),
   * });
   * const call = await agent.createCall("default", "hall");
   * await using session = await agent.join(call, { participantWaitTimeoutMs: 0 });
   * await agent.handoff({
   *   name: "Billing",
   *   instructions: "You help with invoices.",
   *   tts: new FakeTTS(systemClock),
   *   onEnter: (agent) => void agent.say("This is billing."),
   * });
   * console.log(agent.instructions); // You help with invoices.
   * ```
   *
   * @throws {TypeError} the agent has no model or has not joined, or an option cannot be changed.
   * @throws what `update` throws.
   */
  handoff(to: HandoffOptions): Promise<void> {
    return this.#requests.run(async () => {
      if (this.#ending.isClosing) throw new ClosedError("the agent");
      await this.#expectConversation().handoff(to);
    });
  }

  /**
   * Stops speaking immediately, and drops the speech that is queued.
   *
   * @throws {TypeError} the agent has no model or has not joined.
   */
  interrupt(): Promise<void> {
    return this.#requests.run(() => this.#expectConversation().interrupt());
  }

  /**
   * Resolves with the reason when the call is over for the agent. Aborting `signal` closes the agent,
   * and does not reject.
   */
  async finish(options: { signal?: AbortSignal } = {}): Promise<CloseReason> {
    checkOptions(options, "options", { signal: true });
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
   * Says the last words, if there are any, waits until all that is to be said was heard, and ends the
   * call for all participants; where the edge cannot do that, the agent leaves. From now on the agent listens
   * to no one. May be awaited in a tool: the reply that waits for the tool is not waited for.
   *
   * @throws {TypeError} the agent has not joined, or it has no voice for `say`.
   */
  hangUp(options: HangUpOptions = {}): Promise<void> {
    return this.#requests.run(() => {
      checkOptions(
        options,
        "the options of hangUp",
        { say: true },
        'an object like { say: "Goodbye." }',
      );
      const { say } = options;
      if (say !== undefined) {
        checkText("hangUp", say, {});
        this.#expectConversation("tts").expectComponent("tts");
      }
      return this.#ending.hangUp(this.#expectConnection().call, say);
    });
  }

  /**
   * Leaves the call and releases everything but the edge. With `drain` it leaves when all that is to
   * be said was heard, and listens to no one from now on; a call of `close` without it leaves
   * immediately. Idempotent: all callers await the same end.
   * Never rejects: a failure is an `ErrorEvent` of the edge. May be called from any handler.
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#ending.close(options);
  }

  /** Closes the agent, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The greeting; skipped when the call was handed over before joining. */
  #greeting(onEnter: NonNullable<AgentOptions["onEnter"]>): typeof onEnter {
    return (agent) => this.#conversation?.isHandedOver ? undefined : onEnter(agent);
  }

  /** @param component the one that the request needs, where that is not a model */
  #expectConversation(component?: "tts"): ConversationProcessor {
    if (this.#conversation) return this.#conversation;
    if (component) throw missingComponent(component);
    throw new TypeError(
      "this agent has no language model: pass llm, stt and tts (or a realtime llm)",
    );
  }

  #expectConnection(): CallConnection {
    if (this.connection) return this.connection;
    throw new TypeError("this agent has not joined a call: await agent.join(call) first");
  }
}
