/**
 * LiveKitEdge's half in the media process: the calls, and their requests to the agent's process. It
 * never sees the API's secret, only the tokens of each call.
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
  ProtocolError,
  waitFor,
} from "@ringline/edge/toolkit";
import { callParams, type IpcMessage, ORDER, type Order, orderParams } from "../wire/ipc.ts";
import { LiveKitCall } from "./call/livekit_call.ts";
import type { CallMedia } from "./session/media.ts";

/** Time limit for a token of the agent's process. */
const TOKEN_MS = 10_000;
/** Time limit for leaving all calls at the end. */
const GOODBYE_MS = 300;

/** Creates the mixer and connections of a new call. */
export type CallMediaFactory = (context: ChildContext) => Omit<CallMedia, "handling">;

/** The calls of one LiveKitEdge. */
export class LiveKitChild implements EdgeChild {
  readonly #context: ChildContext;
  readonly #createMedia: CallMediaFactory;
  readonly #calls = new Map<number, LiveKitCall>();
  /** The calls by the ids of their brokers in the agent's process. */
  readonly #byBroker = new Map<string, LiveKitCall>();
  readonly #requests = new Map<string, PromiseWithResolvers<string>>();

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
    const { clock } = this.#context;
    const call = new LiveKitCall({
      connection,
      params: parsed,
      media: {
        ...this.#createMedia(this.#context),
        handling: () => this.#context.handling(connection.call),
      },
      clock,
      log: (level, message) => this.#context.log(level, `${connection.call.id}: ${message}`),
      askToken: (asking) => this.#askToken(connection, asking),
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
    options: { again: boolean; directed: readonly string[] },
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

  audioStats(connection: AgentConnection): Promise<ParticipantAudioStats[]> {
    return this.#call(connection).audioStats();
  }

  sendCustomEvent(connection: AgentConnection, data: JsonValue): Promise<void> {
    return this.#call(connection).sendCustomEvent(data);
  }

  sendCustomEventTo(connection: AgentConnection, to: string, data: JsonValue): Promise<void> {
    return this.#call(connection).sendCustomEvent(data, to);
  }

  async leave(connection: AgentConnection): Promise<void> {
    const call = this.#calls.get(connection.connectionId);
    this.#calls.delete(connection.connectionId);
    await call?.leave();
  }

  async request(method: string, params: JsonValue): Promise<JsonValue> {
    if (method !== ORDER) {
      throw new ProtocolError(`unknown request "${method}"`, { code: "bad-request" });
    }
    const { brokerId, order } = v.parse(orderParams, params);
    return await this.#follow(this.#byBroker.get(brokerId), order) ?? null;
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

  async #follow(call: LiveKitCall | undefined, order: Order): Promise<JsonValue | void> {
    switch (order.method) {
      case "token": {
        const pending = this.#requests.get(order.id);
        if (order.error) pending?.reject(fromErrorData(order.error));
        else pending?.resolve(order.token ?? "");
        return;
      }
      case "sendText":
        return await open(call).sendText(order.stream);
      case "setAttributes":
        return open(call).setAttributes(order.attributes);
      case "methodReturned":
        return await call?.respond(order.requestId, order.outcome);
      case "callMethod":
        return await open(call).callMethod(order.participantId, order.call) as JsonValue;
      case "sendDtmf":
        return await open(call).sendDtmf(order.digits);
      case "reconnect":
        return open(call).reconnect(order.strategy);
    }
  }

  async #askToken(connection: AgentConnection, signal: AbortSignal): Promise<string> {
    // Of no other media process either: its response may come to this one.
    const id = crypto.randomUUID();
    const asked = Promise.withResolvers<string>();
    this.#requests.set(id, asked);
    try {
      const message: IpcMessage = { type: "tokenNeeded", id };
      connection.send({ type: "edge", data: message });
      return await waitFor(asked.promise, "the agent's process responding", {
        timeoutMs: TOKEN_MS,
        signal: AbortSignal.any([signal, connection.signal]),
        clock: this.#context.clock,
      });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      throw new ConnectionError(`the agent's process sent no token within ${TOKEN_MS} ms`, {
        code: "timeout",
        retryable: true,
      });
    } finally {
      this.#requests.delete(id);
    }
  }

  #call(connection: AgentConnection): LiveKitCall {
    return open(this.#calls.get(connection.connectionId));
  }
}

function open(call: LiveKitCall | undefined): LiveKitCall {
  if (call) return call;
  throw new EdgeError("the agent has left the call: join again", { code: "closed" });
}
