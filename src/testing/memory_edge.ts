/** An edge without a network, for tests of agents. @module */
import type { CloseReason, Participant, User } from "../edge/types.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { EdgeAgent } from "../edge/edge_agent.ts";
import { Call, type CreateCallOptions } from "../edge/call.ts";
import { type EdgeOptions, EdgeTransport, type JoinOptions } from "../edge/edge_transport.ts";
import { ConnectionError, EdgeError } from "../edge/errors.ts";
import type { DialOptions } from "../edge/telephony.ts";
import { GRACE_MS } from "../edge/presence.ts";
import { checkOptions, shown } from "../events/checks.ts";
import { messageOf } from "../events/error_text.ts";
import { promised } from "../events/user_code.ts";
import { loadKernel } from "../native/load.ts";
import { checkDuration, sleep, waitFor } from "../events/waiting.ts";
import { MemoryConnection } from "./memory_connection.ts";
import type { MemoryParticipant, MemoryParticipantOptions } from "./memory_participant.ts";
import { MemoryRoom } from "./memory_room.ts";
import { checkCall, checkCount, checkJoin, checkText } from "../edge/validation.ts";

/** Options for a {@linkcode MemoryEdge}. */
export interface MemoryEdgeOptions extends EdgeOptions {
  /** How long joining takes. Default 10. */
  joinDelayMs?: number;
  /** How long a participant who loses their network is waited for. Default 6000. */
  participantGraceMs?: number;
  /** Called by `authenticate`, which rejects with what it throws. */
  onAuthenticate?: (user: User) => void | Promise<void>;
}

const OPTIONS = {
  joinDelayMs: true,
  participantGraceMs: true,
  onAuthenticate: true,
  clock: true,
  logger: true,
} as const;
const CALL_OPTIONS = { callType: true, createdBy: true, signal: true } as const;

/** A call that an agent places with `dial`, for {@linkcode MemoryEdge.onDial}. */
export interface DialledCall {
  /** The number that is called. */
  readonly to: string;
  /** The number that the other side is shown, if one was given. */
  readonly from: string | undefined;
  /** The call: `edge.enter(call, { userId })` answers it. */
  readonly call: Call;
  /** Aborted when the agent hangs up before it is answered. */
  readonly signal: AbortSignal | undefined;
}

/** A transfer, for {@linkcode MemoryEdge.onTransfer}. */
export interface MemoryTransfer {
  /** The number or address to transfer to. */
  readonly to: string;
  /** The person who is transferred. */
  readonly participant: MemoryParticipant;
}

/**
 * A complete edge without a network, for tests of agents. A {@linkcode MemoryParticipant} is the other
 * side of a call: they join, speak, mute, share a screen and leave. With a
 * {@linkcode VirtualClock} a call takes no time at all.
 *
 * @example
 * ```ts
 * import { Agent, PcmChunk } from "@ringline/edge";
 * import { MemoryEdge, VirtualClock } from "@ringline/edge/testing";
 *
 * const clock = new VirtualClock();
 * await using edge = new MemoryEdge({ clock });
 * let heardMs = 0;
 * const agent = new Agent({
 *   edge,
 *   agentUser: { id: "agent", name: "Agent" },
 *   onAudio: ({ pcm }) => void (heardMs += pcm.durationMs),
 * });
 * const call = await agent.createCall("default", "kitchen");
 * const anna = edge.enter(call, { userId: "anna" });
 * await clock.until(agent.join(call));
 * await clock.until(anna.speak(new PcmChunk(new Int16Array(16_000), { sampleRate: 16_000 })));
 * console.log(heardMs); // 1000
 * await clock.until(agent.close());
 * ```
 */
export class MemoryEdge extends EdgeTransport {
  /** The users that were authenticated, in order. */
  readonly authenticated: User[] = [];
  /** Called with each 10 ms that an agent says: 48 kHz mono, a view. */
  onAgentAudio: ((samples: Int16Array, agent: Participant) => void) | undefined;
  /**
   * The other side of `dial`: it may wait before it answers. When this throws, `dial` rejects: with
   * an `EdgeError` as it is, with anything else as the cause of a `ConnectionError`. Default: a person
   * whose user id is the number enters the call.
   */
  onDial: ((dialled: DialledCall) => void | Promise<void>) | undefined;
  /** Called before a transfer, which fails as `dial` does. The person then leaves the call. */
  onTransfer: ((transfer: MemoryTransfer) => void | Promise<void>) | undefined;
  readonly #rooms = new Map<string, MemoryRoom>();
  readonly #joinDelayMs: number;
  readonly #graceMs: number;
  #dialled = 0;
  readonly #onAuthenticate: ((user: User) => void | Promise<void>) | undefined;

  /** Creates an edge without calls. */
  constructor(options: MemoryEdgeOptions = {}) {
    super(options);
    checkOptions(options, "options", OPTIONS);
    this.#joinDelayMs = options.joinDelayMs ?? 10;
    this.#graceMs = options.participantGraceMs ?? GRACE_MS;
    checkDuration("participantGraceMs", this.#graceMs);
    this.#onAuthenticate = options.onAuthenticate;
    if (this.#onAuthenticate !== undefined && typeof this.#onAuthenticate !== "function") {
      throw new TypeError(
        `onAuthenticate: expected a function, got ${shown(this.#onAuthenticate)}`,
      );
    }
  }

  /** How many calls are open, in which agents may be. */
  get openRooms(): number {
    return this.#rooms.size;
  }

  /** One participant alone can hear a track. */
  override get supportsDirectedAudio(): boolean {
    return true;
  }

  /** Records the user; rejects as `onAuthenticate` does. */
  override async authenticate(user: User): Promise<void> {
    this.assertOpen();
    await promised<void>(() => this.#onAuthenticate?.(user));
    this.authenticated.push(user);
  }

  /** Creates a call, or returns the one that exists. */
  override createCall(callId: string, options: CreateCallOptions = {}): Promise<Call> {
    try {
      this.assertOpen();
      checkOptions(options, "options", CALL_OPTIONS, "an object, or nothing");
      options.signal?.throwIfAborted();
    } catch (error) {
      return Promise.reject(error);
    }
    const call = new Call({ id: callId, type: options.callType });
    const key = keyOf(call);
    if (!this.#rooms.has(key)) this.#rooms.set(key, this.makeRoom());
    return Promise.resolve(call);
  }

  /** Joins a call, after `joinDelayMs`. */
  override async join(
    agent: EdgeAgent,
    call: Call,
    options: JoinOptions = {},
  ): Promise<MemoryConnection> {
    this.assertOpen();
    checkJoin(agent, call, options);
    const { signal, timeoutMs = 10_000 } = options;
    signal?.throwIfAborted();
    const room = this.#room(call);
    const connection = new MemoryConnection({ edge: this, agent, call, room });
    const abandoned = new AbortController();
    try {
      const either = signal ? AbortSignal.any([signal, abandoned.signal]) : abandoned.signal;
      connection.closed.then(() =>
        abandoned.abort(
          new ConnectionError("the connection was closed while it joined", {
            code: "aborted",
          }),
        )
      );
      const arriving = sleep(this.#joinDelayMs, { signal: either, clock: this.clock });
      await waitFor(arriving, "joining the call", { timeoutMs, clock: this.clock });
      connection.enter();
      return connection;
    } catch (error) {
      abandoned.abort(error);
      await connection.close();
      throw error;
    }
  }

  /** Adds a person to a call. */
  enter(call: Call, options: MemoryParticipantOptions): MemoryParticipant {
    const room = this.#room(call);
    checkOptions(options, "options", {
      userId: true,
      name: true,
      id: true,
      audio: true,
      trackDelayMs: true,
    }, 'an object like { userId: "anna" }');
    checkText(options.userId, "options.userId");
    return room.welcome(options);
  }

  /** So many people watch a call anonymously from now on, as viewers of a livestream do. */
  countViewers(call: Call, count: number): void {
    const room = this.#room(call);
    checkCount(count, "count");
    room.countViewers(count);
  }

  /** Ends a call for all members. It can be created again. */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  override async endCall(call: Call): Promise<void> {
    checkCall(call);
    const room = this.#rooms.get(keyOf(call));
    this.#rooms.delete(keyOf(call));
    room?.end("call-ended");
  }

  /** Creates a call of the type `"phone"` that a person enters, unless `onDial` says otherwise. */
  protected override async placeCall({ to, from, signal }: DialOptions): Promise<Call> {
    const call = await this.createCall(`call-${++this.#dialled}`, { callType: "phone" });
    try {
      const answered = promised<void>(() => {
        if (!this.onDial) return void this.enter(call, { userId: to });
        return this.onDial({ to, from, call, signal });
      });
      await waitFor(answered, "dialling", { signal, clock: this.clock });
      return call;
    } catch (error) {
      await this.endCall(call);
      throw signal?.aborted ? signal.reason : refused(error, `the call to ${to}`);
    }
  }

  /** Ends a call for one agent only: kicked, replaced, or because its network failed. */
  end(connection: CallConnection, reason: CloseReason): void {
    this.#own(connection).receive({ type: "ended", reason });
  }

  /** Drops an agent's network, or restores it. */
  dropNetwork(connection: CallConnection, reconnecting: boolean): void {
    this.#own(connection).receive({ type: reconnecting ? "reconnecting" : "reconnected" });
  }

  /** @ignore */
  protected readonly emitAgentAudio = (samples: Int16Array, agent: Participant): void => {
    this.onAgentAudio?.(samples, agent);
  };

  /** @ignore */
  protected readonly transferred = async (
    to: string,
    participant: MemoryParticipant,
  ): Promise<void> => {
    try {
      await this.onTransfer?.({ to, participant });
    } catch (error) {
      throw refused(error, `the transfer to ${to}`);
    }
  };

  /** The fastest kernel, without a line in a test's output that says which. */
  protected override audioKernel(): AudioKernel {
    return loadKernel({ logger: () => {} });
  }

  /**
   * Creates the room of a call.
   *
   * @ignore
   */
  protected makeRoom(): MemoryRoom {
    const { clock, emitAgentAudio: onAgentAudio, transferred: onTransfer } = this;
    return new MemoryRoom({ clock, onAgentAudio, onTransfer, graceMs: this.#graceMs });
  }

  /** Ends all calls. */
  protected override release(): Promise<void> {
    for (const room of this.#rooms.values()) room.end("left");
    this.#rooms.clear();
    return Promise.resolve();
  }

  #room(call: Call): MemoryRoom {
    checkCall(call);
    const room = this.#rooms.get(keyOf(call));
    if (room) return room;
    throw new ConnectionError(`there is no call ${call.type}:${call.id}: create it first`, {
      code: "no-such-call",
    });
  }

  #own(connection: CallConnection): MemoryConnection {
    if (connection instanceof MemoryConnection && connection.edge === this) return connection;
    throw new TypeError("the connection belongs to another edge: use the edge that joined it");
  }
}

function keyOf(call: Call): string {
  return `${call.type}:${call.id}`;
}

/** What a test throws to refuse a call or a transfer, as edges of telephones report it. */
function refused(cause: unknown, what: string): EdgeError {
  if (cause instanceof EdgeError) return cause;
  return new ConnectionError(`${what} failed: ${messageOf(cause)}`, { code: "refused", cause });
}
