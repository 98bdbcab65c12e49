import type { CloseReason, Participant, User } from "../edge/types.ts";
import type { Connection } from "../edge/connection.ts";
import type { EdgeAgent } from "../edge/edge_agent.ts";
import { Call, type CreateCallOptions } from "../edge/call.ts";
import { type EdgeOptions, EdgeTransport, type JoinOptions } from "../edge/edge_transport.ts";
import { ConnectionError } from "../edge/errors.ts";
import { checkObject, shown } from "../events/checks.ts";
import { promised } from "../events/user_code.ts";
import { sleep, waitFor } from "../events/waiting.ts";
import { MemoryConnection } from "./memory_connection.ts";
import type { MemoryParticipant, MemoryParticipantOptions } from "./memory_participant.ts";
import { MemoryRoom } from "./memory_room.ts";
import { checkCall, checkJoin, checkText } from "../edge/validation.ts";

/** How a {@linkcode MemoryEdge} behaves. */
export interface MemoryEdgeOptions extends EdgeOptions {
  /** How long joining takes. Default 10. */
  joinDelayMs?: number;
  /** Called by `authenticate`; what it throws, that throws. */
  onAuthenticate?: (user: User) => void | Promise<void>;
}

/**
 * A complete edge without a network, for tests of agents. The other side of a call is driven by
 * {@linkcode MemoryParticipant}: it joins, speaks, mutes, shows a screen and leaves. With a
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
  /** Everybody who was authenticated, in order. */
  readonly authenticated: User[] = [];
  /** Called with each 10 ms that an agent says: 48 kHz mono, a view. */
  onAgentAudio: ((samples: Int16Array, agent: Participant) => void) | undefined;
  readonly #rooms = new Map<string, MemoryRoom>();
  readonly #joinDelayMs: number;
  readonly #onAuthenticate: ((user: User) => void | Promise<void>) | undefined;

  /** Makes a memory edge. */
  constructor(options: MemoryEdgeOptions = {}) {
    super(options);
    this.#joinDelayMs = options.joinDelayMs ?? 10;
    this.#onAuthenticate = options.onAuthenticate;
    if (this.#onAuthenticate !== undefined && typeof this.#onAuthenticate !== "function") {
      throw new TypeError(
        `onAuthenticate: expected a function, got ${shown(this.#onAuthenticate)}`,
      );
    }
  }

  /** Notes the user; fails as `onAuthenticate` does. */
  override async authenticate(user: User): Promise<void> {
    this.assertOpen();
    await promised<void>(() => this.#onAuthenticate?.(user));
    this.authenticated.push(user);
  }

  /** Creates a call or finds the one that exists. */
  override createCall(callId: string, options: CreateCallOptions = {}): Promise<Call> {
    try {
      this.assertOpen();
      checkObject(options, "options", "an object, or nothing");
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
    const gaveUp = new AbortController();
    try {
      const either = signal ? AbortSignal.any([signal, gaveUp.signal]) : gaveUp.signal;
      connection.closed.then(() =>
        gaveUp.abort(
          new ConnectionError("the join was given up", {
            code: "aborted",
          }),
        )
      );
      const arriving = sleep(this.#joinDelayMs, { signal: either, clock: this.clock });
      await waitFor(arriving, "joining the call", { timeoutMs, clock: this.clock });
      connection.enter();
      return connection;
    } catch (error) {
      gaveUp.abort(error);
      await connection.close();
      throw error;
    }
  }

  /** Lets a person into a call. */
  enter(call: Call, options: MemoryParticipantOptions): MemoryParticipant {
    const room = this.#room(call);
    checkObject(options, "options", 'an object like { userId: "anna" }');
    checkText(options.userId, "options.userId");
    return room.welcome(options);
  }

  /** Ends a call for everybody. It can be created anew. */
  endCall(call: Call, reason: CloseReason = "call-ended"): void {
    const room = this.#room(call);
    this.#rooms.delete(keyOf(call));
    room.end(reason);
  }

  /** Ends a call for one agent only: kicked, replaced, or by a network that failed. */
  end(connection: Connection, reason: CloseReason): void {
    this.#own(connection).take({ type: "ended", reason });
  }

  /** Loses an agent's network, and brings it back. */
  dropNetwork(connection: Connection, reconnecting: boolean): void {
    this.#own(connection).take({ type: reconnecting ? "reconnecting" : "reconnected" });
  }

  /**
   * Makes the place where a call happens.
   *
   * @ignore
   */
  protected makeRoom(): MemoryRoom {
    return new MemoryRoom(this.clock);
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
    throw new ConnectionError(`there is no call ${call.type}:${call.id}`, { code: "no-such-call" });
  }

  #own(connection: Connection): MemoryConnection {
    if (connection instanceof MemoryConnection && connection.edge === this) return connection;
    throw new TypeError("the connection belongs to another edge");
  }
}

function keyOf(call: Call): string {
  return `${call.type}:${call.id}`;
}
