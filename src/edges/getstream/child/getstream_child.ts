/**
 * GetStreamEdge's half in the media process: the calls, and their requests to the agent's process.
 * It never sees the API secret, only the credentials of each call.
 *
 * @module
 */
import * as v from "valibot";
import type {
  AgentConnection,
  ChildContext,
  EdgeChild,
  ParticipantAudioStats,
  PublishedKinds,
  RtcTrack,
  VideoConstraints,
} from "@ringline/edge/media/child";
import {
  ConnectionError,
  EdgeError,
  fromErrorData,
  isTimeout,
  type JsonValue,
  messageOf,
  ProtocolError,
  waitFor,
} from "@ringline/edge/toolkit";
import { StreamCall } from "./call/stream_call.ts";
import { sfuCredentials } from "../wire/credentials.ts";
import {
  callParams,
  type IpcMessage,
  RECONNECT,
  reconnectParams,
  type Request,
  RESPONSE,
  RESPONSE_MS,
  responseParams,
} from "../wire/ipc.ts";
import type { CallMedia } from "./sfu/media.ts";

/** Time limit for looking up whether a participant is an agent. */
const LOOK_UP_MS = 1000;
/** Time limit for leaving all calls at the end. */
const GOODBYE_MS = 300;

/** Creates the mixer and connections of a new call. */
export type CallMediaFactory = (context: ChildContext) => CallMedia;

/** The calls of one GetStreamEdge. */
export class GetStreamChild implements EdgeChild {
  readonly #context: ChildContext;
  readonly #createMedia: CallMediaFactory;
  readonly #calls = new Map<number, StreamCall>();
  /** The calls by the ids of their brokers in the agent's process. */
  readonly #byBroker = new Map<string, StreamCall>();
  readonly #requests = new Map<number, PromiseWithResolvers<JsonValue>>();
  #asked = 0;

  constructor(context: ChildContext, createMedia: CallMediaFactory) {
    this.#context = context;
    this.#createMedia = createMedia;
  }

  async join(
    connection: AgentConnection,
    params: JsonValue,
    signal: AbortSignal,
  ): Promise<JsonValue> {
    const parsed = v.parse(callParams, params);
    const call = new StreamCall({
      connection,
      params: parsed,
      media: {
        ...this.#createMedia(this.#context),
        handling: () => this.#context.handling(connection.call),
      },
      clock: this.#context.clock,
      log: (level, message) => this.#context.log(level, `${connection.call.id}: ${message}`),
      broker: {
        credentials: async (leaving, asking) => {
          const request: Request = { method: "credentials", leaving: [...leaving] };
          return v.parse(sfuCredentials, await this.#ask(connection, request, asking));
        },
        findAgents: (userIds) => this.#findAgents(connection, userIds),
      },
    });
    this.#calls.set(connection.connectionId, call);
    this.#byBroker.set(parsed.brokerId, call);
    connection.signal.addEventListener("abort", () => {
      // Another try to join may have taken its place.
      if (this.#byBroker.get(parsed.brokerId) === call) this.#byBroker.delete(parsed.brokerId);
    }, { once: true });
    await call.join(signal);
    return null;
  }

  publish(
    connection: AgentConnection,
    tracks: PublishedKinds,
    options: { again: boolean },
  ): Promise<void> {
    return this.#call(connection).publish(tracks, options);
  }

  videoResized(connection: AgentConnection): void {
    this.#calls.get(connection.connectionId)?.videoResized();
  }

  videoTrack(connection: AgentConnection, trackId: string): RtcTrack | undefined {
    return this.#calls.get(connection.connectionId)?.videoTrack(trackId);
  }

  subscribed(
    connection: AgentConnection,
    trackId: string,
    constraints: VideoConstraints | undefined,
  ): void {
    this.#calls.get(connection.connectionId)?.subscribed(trackId, constraints);
  }

  async sendCustomEvent(connection: AgentConnection, data: JsonValue): Promise<void> {
    await this.#ask(connection, { method: "sendCustomEvent", data }, connection.signal);
  }

  audioStats(connection: AgentConnection): Promise<ParticipantAudioStats[]> {
    return this.#call(connection).audioStats();
  }

  async leave(connection: AgentConnection): Promise<void> {
    const call = this.#calls.get(connection.connectionId);
    this.#calls.delete(connection.connectionId);
    await call?.leave();
  }

  request(method: string, params: JsonValue): Promise<JsonValue> {
    if (method === RECONNECT) {
      const { brokerId, strategy } = v.parse(reconnectParams, params);
      this.#byBroker.get(brokerId)?.reconnect(strategy);
      return Promise.resolve(null);
    }
    if (method !== RESPONSE) {
      throw new ProtocolError(`unknown request "${method}"`, { code: "bad-request" });
    }
    const { id, result, error } = v.parse(responseParams, params);
    const pending = this.#requests.get(id);
    if (error) pending?.reject(fromErrorData(error));
    else pending?.resolve(result ?? null);
    return Promise.resolve(null);
  }

  isEmpty(): boolean {
    return this.#calls.size === 0;
  }

  async goodbye(): Promise<void> {
    const leaving = [...this.#calls.values()].map((call) => call.leave());
    this.#calls.clear();
    await waitFor(Promise.allSettled(leaving), "saying goodbye", {
      timeoutMs: GOODBYE_MS,
      clock: this.#context.clock,
    }).catch(() => {});
  }

  async #findAgents(
    connection: AgentConnection,
    userIds: readonly string[],
  ): Promise<ReadonlySet<string>> {
    try {
      const request: Request = { method: "findAgents", userIds: [...userIds] };
      const found = await this.#ask(connection, request, connection.signal, LOOK_UP_MS);
      return new Set(v.parse(v.array(v.string()), found));
    } catch (error) {
      // An agent taken for a person does less harm than a person who is not heard.
      if (!connection.signal.aborted) {
        this.#context.log("warn", `looking up users: ${messageOf(error)}`);
      }
      return new Set();
    }
  }

  async #ask(
    connection: AgentConnection,
    request: Request,
    signal: AbortSignal,
    timeoutMs = RESPONSE_MS,
  ): Promise<JsonValue> {
    const id = ++this.#asked;
    const asked = Promise.withResolvers<JsonValue>();
    this.#requests.set(id, asked);
    try {
      const message: IpcMessage = { type: "request", id, request };
      connection.send({ type: "edge", data: message as unknown as JsonValue });
      return await waitFor(asked.promise, "the agent's process responding", {
        timeoutMs,
        signal: AbortSignal.any([signal, connection.signal]),
        clock: this.#context.clock,
      });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      throw new ConnectionError(`the agent's process did not respond within ${timeoutMs} ms`, {
        code: "timeout",
        retryable: true,
      });
    } finally {
      this.#requests.delete(id);
    }
  }

  #call(connection: AgentConnection): StreamCall {
    const call = this.#calls.get(connection.connectionId);
    if (call) return call;
    throw new EdgeError("the agent has left the call: join again", { code: "closed" });
  }
}
