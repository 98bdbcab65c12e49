/**
 * GetStreamEdge's half in the media process: the calls, and what they ask the agent's process. It
 * never sees the API secret: only the credentials of each call.
 *
 * @module
 */
import * as v from "valibot";
import type {
  AgentConnection,
  ChildContext,
  EdgeChild,
  PublishedTracks,
  RtcTrack,
  VideoConstraints,
} from "@ringline/edge/media/child";
import {
  AuthenticationError,
  ConnectionError,
  EdgeError,
  type JsonValue,
  messageOf,
  ProtocolError,
  waitFor,
} from "@ringline/edge/toolkit";
import { StreamCall } from "./call/stream_call.ts";
import { sfuCredentials } from "../wire/credentials.ts";
import {
  answer as answerSchema,
  callParams,
  type ErrorData,
  type IpcMessage,
  RECONNECT,
  reconnectParams,
  type Request,
  RESPONSE,
} from "../wire/ipc.ts";
import type { CallMedia } from "./sfu/media.ts";

/** How long the agent's process may take for an answer. */
const ANSWER_MS = 20_000;
/** For how long somebody is not announced because it is not known what he is. */
const LOOK_UP_MS = 1000;
/** How long goodbyes may take. */
const GOODBYE_MS = 300;

/** Makes the mixer and connections of a new call. */
export type CallMediaFactory = (context: ChildContext) => CallMedia;

/** The calls of one GetStreamEdge. */
export class GetStreamChild implements EdgeChild {
  readonly #context: ChildContext;
  readonly #createMedia: CallMediaFactory;
  readonly #calls = new Map<number, StreamCall>();
  /** By the desks in the agent's process that stand for them. */
  readonly #byDesk = new Map<string, StreamCall>();
  readonly #questions = new Map<number, PromiseWithResolvers<JsonValue>>();
  #asked = 0;

  constructor(context: ChildContext, createMedia: CallMediaFactory) {
    this.#context = context;
    this.#createMedia = createMedia;
  }

  async join(port: AgentConnection, params: JsonValue, signal: AbortSignal): Promise<JsonValue> {
    const parsed = v.parse(callParams, params);
    const call = new StreamCall({
      port,
      params: parsed,
      media: this.#createMedia(this.#context),
      clock: this.#context.clock,
      log: (level, message) => this.#context.log(level, `${port.call.id}: ${message}`),
      desk: {
        credentials: async (leaving, asking) => {
          const question: Request = { what: "credentials", leaving: [...leaving] };
          return v.parse(sfuCredentials, await this.#ask(port, question, asking));
        },
        findAgents: (userIds) => this.#findAgents(port, userIds),
      },
    });
    this.#calls.set(port.connectionId, call);
    this.#byDesk.set(parsed.desk, call);
    port.signal.addEventListener("abort", () => this.#byDesk.delete(parsed.desk), { once: true });
    await call.join(signal);
    return null;
  }

  publish(port: AgentConnection, tracks: PublishedTracks): Promise<void> {
    return this.#call(port).publish(tracks);
  }

  videoTrack(port: AgentConnection, trackId: string): RtcTrack | undefined {
    return this.#calls.get(port.connectionId)?.videoTrack(trackId);
  }

  subscribed(port: AgentConnection, trackId: string, wish: VideoConstraints | undefined): void {
    this.#calls.get(port.connectionId)?.subscribed(trackId, wish);
  }

  async sendCustomEvent(port: AgentConnection, data: JsonValue): Promise<void> {
    await this.#ask(port, { what: "customEvent", data }, port.signal);
  }

  async leave(port: AgentConnection): Promise<void> {
    const call = this.#calls.get(port.connectionId);
    this.#calls.delete(port.connectionId);
    await call?.leave();
  }

  request(method: string, params: JsonValue): Promise<JsonValue> {
    if (method === RECONNECT) {
      const { desk, strategy } = v.parse(reconnectParams, params);
      this.#byDesk.get(desk)?.reconnect(strategy);
      return Promise.resolve(null);
    }
    if (method !== RESPONSE) {
      throw new ProtocolError(`no request is called "${method}"`, { code: "bad-request" });
    }
    const { id, result, error } = v.parse(answerSchema, params);
    const question = this.#questions.get(id);
    if (error) question?.reject(fromErrorData(error));
    else question?.resolve(result ?? null);
    return Promise.resolve(null);
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
    port: AgentConnection,
    userIds: readonly string[],
  ): Promise<ReadonlySet<string>> {
    try {
      const question: Request = { what: "agents", userIds: [...userIds] };
      const found = await this.#ask(port, question, port.signal, LOOK_UP_MS);
      return new Set(v.parse(v.array(v.string()), found));
    } catch (error) {
      // Better a person too many than one who is not heard.
      if (!port.signal.aborted) this.#context.log("warn", `looking up users: ${messageOf(error)}`);
      return new Set();
    }
  }

  async #ask(
    port: AgentConnection,
    question: Request,
    signal: AbortSignal,
    timeoutMs = ANSWER_MS,
  ): Promise<JsonValue> {
    const id = ++this.#asked;
    const asked = Promise.withResolvers<JsonValue>();
    this.#questions.set(id, asked);
    try {
      const notice: IpcMessage = { type: "question", id, question };
      port.send({ type: "edge", data: notice as unknown as JsonValue });
      return await waitFor(asked.promise, "the agent's process answering", {
        timeoutMs,
        signal: AbortSignal.any([signal, port.signal]),
        clock: this.#context.clock,
      });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "TimeoutError")) throw error;
      throw new ConnectionError("the agent's process did not answer", {
        code: "timeout",
        retryable: true,
      });
    } finally {
      this.#questions.delete(id);
    }
  }

  #call(port: AgentConnection): StreamCall {
    const call = this.#calls.get(port.connectionId);
    if (call) return call;
    throw new EdgeError("the call was left", { code: "closed" });
  }
}

function fromErrorData({ kind, code, message, retryable }: ErrorData): EdgeError {
  const options = { code, retryable };
  if (kind === "authentication") return new AuthenticationError(message, options);
  if (kind === "protocol") return new ProtocolError(message, options);
  return new ConnectionError(message, options);
}
