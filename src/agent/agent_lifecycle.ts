/** How an agent joins and leaves its call. @module */
import type { AudioTrack } from "../edge/audio_track.ts";
import type { Call } from "../edge/call.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { AudioSubscription, EdgeAgent } from "../edge/edge_agent.ts";
import type { AgentContext } from "./agent_context.ts";
import type { ConversationProcessor } from "./conversation_processor.ts";
import type { Processor } from "./processor.ts";
import type { AgentInput } from "./agent_input.ts";
import { ClosedError } from "../edge/errors.ts";
import { checkMethods } from "../events/checks.ts";
import { attempt, promised, type Report } from "../events/user_code.ts";
import { isTimeout, limitTime, waitFor } from "../events/waiting.ts";
import { CallLimits } from "./call_limits.ts";
import { AgentSession } from "./agent_session.ts";
import { type ConversationHistory, KeptConversation } from "./kept_conversation.ts";

/** Options for an {@linkcode AgentLifecycle}, beside its agent. */
export interface AgentLifecycleInit {
  audioSubscription: AudioSubscription;
  processors: readonly Processor[];
  input: AgentInput;
  conversationProcessor: ConversationProcessor | undefined;
  publishAudio: boolean;
  /** How long the call may last. */
  maxCallMs: number;
  /** How long no person may be in it. */
  closeWhenIdleMs: number;
  /** Where the application keeps the conversation. */
  history: ConversationHistory | undefined;
  /** The track that the agent speaks through. */
  track: () => AudioTrack;
  authenticate: () => Promise<void>;
  report: Report;
}

/** Time limit for each step of leaving. Leaving then goes on without it. */
const RELEASE_LIMIT_MS = 5000;
/** Time limit for a step whose parts have limits of their own. */
const CLOSE_LIMIT_MS = RELEASE_LIMIT_MS + 500;

/** The steps by which an agent joins its call, and by which it leaves, also after half a join. */
export class AgentLifecycle {
  readonly #agent: AgentContext;
  readonly #options: AgentLifecycleInit;
  /** Aborted by leaving: the join gives up the step it is waiting for. */
  readonly #leaving = new AbortController();
  readonly #started: Processor[] = [];
  #connecting: Promise<CallConnection> | undefined;
  #connection: CallConnection | undefined;
  #conversation: Conversation | undefined;
  #limits: CallLimits | undefined;

  constructor(agent: AgentContext, options: AgentLifecycleInit) {
    this.#agent = agent;
    this.#options = options;
  }

  get connection(): CallConnection | undefined {
    return this.#connection;
  }

  get conversation(): Conversation | undefined {
    return this.#conversation;
  }

  /** Joins, once. If it fails, `leave` undoes the steps that were taken. */
  async join(
    call: Call,
    options: { participantWaitTimeoutMs: number; timeoutMs: number; signal?: AbortSignal },
  ): Promise<AgentSession> {
    const { participantWaitTimeoutMs, timeoutMs, signal } = options;
    const signals = [this.#leaving.signal, ...signal ? [signal] : []];
    const session = await this.#enter(call, timeoutMs, signals);
    await this.#waitForFirst(participantWaitTimeoutMs, AbortSignal.any(signals));
    if (session.connection.state === "closed") throw new ClosedError("the call");
    this.#options.input.start();
    void this.#greet();
    return session;
  }

  /** Calls the processors when the first person is there; never rejects. */
  async #greet(): Promise<void> {
    const { processors, report } = this.#options;
    const hooks = processors.filter(({ onEnter }) => onEnter);
    if (hooks.length === 0) return;
    try {
      const { signal } = this.#leaving;
      await this.#connection!.waitForParticipant({ timeoutMs: Infinity, signal });
    } catch {
      // The call ended before a person came.
      return;
    }
    for (const processor of hooks) {
      const what = `processor ${processor.name}: onEnter`;
      attempt(() => processor.onEnter!(this.#agent), (error) => report(error, what));
    }
  }

  /** Leaves, once, and releases everything but the edge and the track. Never rejects. */
  async leave(): Promise<void> {
    const { input, conversationProcessor } = this.#options;
    this.#leaving.abort(new ClosedError("the agent"));
    this.#limits?.[Symbol.dispose]();
    await this.#release("closing the agent's input", () => input[Symbol.dispose]());
    await this.#release("ending the conversation", () => conversationProcessor?.stop());
    const conversation = this.#conversation;
    if (conversation) await this.#release("writing the conversation", () => conversation.flush());
    await Promise.all(
      this.#started.map((one) =>
        this.#release(`closing processor ${one.name}`, () => one.close?.(), CLOSE_LIMIT_MS)
      ),
    );
    const connection = this.#connection;
    if (connection) {
      // It has a limit of its own for what its edge does.
      await this.#release("closing the connection", () => connection.close(), CLOSE_LIMIT_MS);
    } else await this.#release("giving up the join", () => this.#leaveLate());
  }

  /** Runs the steps that the join's time limit covers. */
  async #enter(
    call: Call,
    timeoutMs: number,
    signals: readonly AbortSignal[],
  ): Promise<AgentSession> {
    const { edge, user, instructions, clock, video } = this.#agent;
    const { audioSubscription, input, conversationProcessor, publishAudio, track, authenticate } =
      this.#options;
    using limit = limitTime("joining the call", { timeoutMs, signals, clock });
    const { signal } = limit;
    /** Waits for a step, within the time limit of the whole join. */
    const step = <T>(what: string, promise: Promise<T>): Promise<T> =>
      waitFor(promise, what, { signal, clock });

    await step("starting the processors", this.#start(signal));
    await step("authenticating", authenticate());
    const edgeAgent: EdgeAgent = {
      user,
      audioSubscription,
      receiveRow: (row) => input.audio.receiveRow(row),
    };
    this.#connecting = promised(() => edge.join(edgeAgent, call, { signal, timeoutMs }));
    const connection = await step("joining the call", this.#connecting);
    checkMethods(connection, "edge.join", "a Connection", ["close", "waitForParticipant"]);
    this.#connection = connection;
    connection.closed.then(() => this.#agent.close());
    const { maxCallMs, closeWhenIdleMs } = this.#options;
    this.#limits = new CallLimits({
      maxCallMs,
      closeWhenIdleMs,
      edge,
      connection,
      clock,
      logger: this.#agent.logger,
      close: () => void this.#agent.close(),
    });
    input.follow(connection);
    const audio = publishAudio ? track() : undefined;
    if (audio || video) {
      const published = edge.publishTracks({ audio, video }, { connection });
      await step("publishing the tracks", published);
    }
    const conversation = await step(
      "opening the conversation",
      this.#openConversation(edge.createConversation(call, user, instructions)),
    );
    this.#conversation = conversation;
    if (conversationProcessor) {
      const { sampleRate } = audioSubscription;
      const opening = { conversation, track: track(), sampleRate, signal };
      await step("opening the pipeline", conversationProcessor.open(opening));
    }
    return new AgentSession(this.#agent, connection, conversation);
  }

  async #openConversation(created: Promise<Conversation>): Promise<Conversation> {
    const conversation = await created;
    const methods = ["append", "update", "remove", "flush"];
    checkMethods(conversation, "edge.createConversation", "a Conversation", methods);
    const { history, report } = this.#options;
    if (!history) return conversation;
    return await KeptConversation.open({ conversation, history, clock: this.#agent.clock, report });
  }

  /** Starts the processors together; the first that fails makes the others stop. */
  async #start(signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const starting = this.#options.processors.map(async (processor) => {
      this.#started.push(processor);
      try {
        await processor.start?.(this.#agent, { signal: either });
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    });
    await Promise.all(starting);
  }

  async #waitForFirst(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (timeoutMs === 0) return;
    try {
      await this.#connection!.waitForParticipant({ timeoutMs, signal });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      this.#options.report(error, "waiting for a participant; going on without");
    }
  }

  /** Closes the connection of an edge that joins although its join was aborted. */
  async #leaveLate(): Promise<void> {
    const late = await this.#connecting?.catch(() => undefined);
    await late?.close?.();
  }

  /** Runs one step of leaving within a time limit, and reports its failure. */
  async #release(
    what: string,
    act: () => void | Promise<void>,
    timeoutMs = RELEASE_LIMIT_MS,
  ): Promise<void> {
    const { clock } = this.#agent;
    try {
      await waitFor(act(), what, { timeoutMs, clock });
    } catch (error) {
      this.#options.report(error, what);
    }
  }
}
