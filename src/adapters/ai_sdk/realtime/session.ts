/** A session with a realtime model of the AI SDK. @module */
import type {
  Experimental_RealtimeClientEvent as ClientEvent,
  Experimental_RealtimeModel as RealtimeModel,
  Experimental_RealtimeServerEvent as ServerEvent,
  Experimental_RealtimeSessionConfig as SessionConfig,
} from "ai";
import {
  InferenceError,
  type JsonValue,
  REALTIME_BUSY,
  REALTIME_LIMITS,
  type RealtimeEvent,
  type RealtimeReplyRequest,
  type RealtimeReplyStatus,
  type RealtimeSession,
  type RealtimeSessionOptions,
  type ToolResult,
} from "@ringline/edge";
import type { PcmChunk } from "@ringline/edge/audio";
import { Channel, type KeepaliveSocket, messageOf, waitFor } from "@ringline/edge/toolkit";
import { toolParameters } from "../messages.ts";
import { AiSdkReply } from "./reply.ts";
import { type RawEvent, serviceError, socketError } from "./service.ts";

const NAME = "ai-sdk-realtime";
/** The most replies that are remembered: those before were heard long ago. */
const MAX_REPLIES = 20;
/** Failures that say no more than that something had been over before. */
const LATE = ["response_cancel_not_active"];
const TRANSCRIPTION = "conversation.item.input_audio_transcription";

/** Options for a session. */
export interface AiSdkRealtimeInit {
  readonly model: RealtimeModel;
  /** What the session is to be, without instructions and tools. */
  readonly config: SessionConfig;
  readonly clock: RealtimeSessionOptions["clock"];
  readonly connect: (
    events: Pick<
      ConstructorParameters<typeof KeepaliveSocket>[1],
      "onOpen" | "onMessage" | "onEnd"
    >,
  ) => KeepaliveSocket;
}

type Usage = NonNullable<Extract<ServerEvent, { type: "response-done" }>["usage"]>;

/** Instructions and tools, as a session takes them. */
export type Instructed = Pick<RealtimeSessionOptions, "instructions" | "tools">;

/** A session over a socket, in the SDK's events. */
export class AiSdkRealtimeSession implements RealtimeSession {
  readonly #init: AiSdkRealtimeInit;
  readonly #socket: KeepaliveSocket;
  readonly #parse: (raw: unknown) => ServerEvent | ServerEvent[];
  readonly #events = new Channel<RealtimeEvent>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #begun = Promise.withResolvers<void>();
  readonly #replies = new Map<string, AiSdkReply>();
  readonly #transcripts = new Map<string, string>();
  /** The changes that were sent and not answered, in their order. */
  readonly #updates: { id: string; answered: PromiseWithResolvers<void> }[] = [];
  readonly #toolNames = new Map<string, string>();
  #sending: Promise<void> = Promise.resolve();
  #active: AiSdkReply | undefined;
  #requestId: string | undefined;
  #isCommitting = false;
  #isOver = false;
  #ending: Disposable | undefined;
  #count = 0;

  constructor(init: AiSdkRealtimeInit) {
    this.#init = init;
    this.#parse = init.model.createServerEventParser?.() ??
      ((raw) => init.model.parseServerEvent(raw));
    this.#opened.promise.catch(() => {});
    this.#begun.promise.catch(() => {});
    this.#socket = init.connect({
      onOpen: () => this.#opened.resolve(),
      onMessage: (data) => this.#receive(data),
      onEnd: (end) => this.#lost(socketError(NAME, end)),
    });
  }

  /** Sends the settings, and waits until the service has taken them. */
  async begin(settings: Instructed): Promise<void> {
    await this.#opened.promise;
    this.#update("begin", this.#config(settings));
    await this.#begun.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<RealtimeEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over();
    this.#events.end();
    await this.#socket.close();
  }

  sendAudio({ samples }: PcmChunk): void {
    // A socket that takes nothing is silent, too, and ends by that.
    if (this.#socket.bufferedBytes > REALTIME_LIMITS.maxBufferedBytes) return;
    const { buffer, byteOffset, byteLength } = samples;
    const audio = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).toBase64();
    this.#send({ type: "input-audio-append", audio });
  }

  sendText(text: string, { name }: { name?: string }): void {
    const item = { type: "text-message", role: "user", text: name ? `${name}: ${text}` : text };
    this.#send({ type: "conversation-item-create", item: item as never });
  }

  sendToolResult(callId: string, { text: output }: ToolResult): void {
    const name = this.#toolNames.get(callId);
    this.#toolNames.delete(callId);
    const item = { type: "function-call-output" as const, callId, name, output };
    this.#send({ type: "conversation-item-create", item });
  }

  requestReply({ id, say }: RealtimeReplyRequest): void {
    this.#requestId = id;
    const words = say === undefined
      ? {}
      : { instructions: `Say exactly the following, word for word, and nothing else: ${say}` };
    this.#send({ type: "response-create", options: { ...words, metadata: { request: id } } });
  }

  interrupt(replyId: string, heardMs: number): void {
    const reply = this.#replies.get(replyId);
    if (!reply) return;
    if (reply === this.#active) this.#send({ type: "response-cancel" });
    for (const { itemId, audioEndMs } of reply.cut(heardMs)) {
      this.#send({ type: "conversation-item-truncate", itemId, contentIndex: 0, audioEndMs });
    }
  }

  commitTurn(): void {
    this.#isCommitting = true;
    this.#send({ type: "input-audio-commit" });
  }

  async update(settings: Instructed): Promise<void> {
    const update = this.#update(`update-${++this.#count}`, this.#change(settings));
    const limit = { timeoutMs: REALTIME_LIMITS.updateMs, clock: this.#init.clock };
    try {
      await waitFor(update.answered.promise, "the answer to session-update", limit);
    } finally {
      this.#forget(update);
    }
  }

  /** Sends what changes nothing, and is answered: any answer shows that the service is there. */
  keepalive(): undefined {
    this.#update(`alive-${++this.#count}`, {});
  }

  #config({ instructions, tools }: Instructed): SessionConfig {
    return {
      instructions,
      tools: tools.map((tool) => ({
        type: "function" as const,
        name: tool.name,
        description: tool.description,
        parameters: toolParameters(tool) as never,
      })),
      ...this.#init.config,
    };
  }

  /** Names the end of all tools in the service's words: OpenAI's provider sends no empty list. */
  #change(settings: Instructed): SessionConfig {
    const config = this.#config(settings);
    if (settings.tools.length > 0) return config;
    return { ...config, providerOptions: { tools: [], ...config.providerOptions } };
  }

  #update(id: string, config: SessionConfig) {
    const update = { id, answered: Promise.withResolvers<void>() };
    update.answered.promise.catch(() => {});
    if (this.#isOver) update.answered.resolve();
    else this.#updates.push(update);
    this.#send({ type: "session-update", config, eventId: id });
    return update;
  }

  #forget(update: { id: string }): void {
    const index = this.#updates.findIndex((one) => one === update);
    if (index >= 0) this.#updates.splice(index, 1);
  }

  /** Sends an event; a provider may take its time to write it, and has no word for some. */
  #send(event: ClientEvent): void {
    this.#sending = this.#sending.then(async () => {
      const message = await this.#init.model.serializeClientEvent(event);
      if (message != null && !this.#isOver) this.#socket.send(JSON.stringify(message));
    }).catch((cause) => {
      const error = new InferenceError(`${NAME}: cannot send ${event.type}: ${messageOf(cause)}`, {
        code: "unsupported",
        cause,
      });
      if (!this.#isOver) this.#events.push({ type: "error", error });
    });
  }

  #over(): void {
    this.#isOver = true;
    this.#ending?.[Symbol.dispose]();
    // The session that replaces this one begins with what was to be changed.
    for (const { answered } of this.#updates.splice(0)) answered.resolve();
  }

  #lost(error: InferenceError): void {
    if (this.#isOver) return;
    this.#over();
    this.#opened.reject(error);
    this.#begun.reject(error);
    this.#events.fail(error);
  }

  #receive(data: string | Uint8Array): void {
    if (this.#isOver) return;
    try {
      const text = typeof data === "string" ? data : new TextDecoder().decode(data);
      const raw: unknown = JSON.parse(text);
      const response = this.#init.model.getHealthCheckResponse?.(raw);
      if (response != null) this.#socket.send(JSON.stringify(response));
      for (const event of [this.#parse(raw)].flat()) this.#take(event, event.raw as RawEvent);
    } catch (cause) {
      const options = { code: "malformed", cause };
      const error = new InferenceError(`${NAME}: cannot read an event of the service`, options);
      this.#events.push({ type: "error", error });
    }
  }

  #take(event: ServerEvent, raw: RawEvent): void {
    switch (event.type) {
      case "session-created":
        return this.#expectEnd(raw.session?.expires_at);
      case "session-updated":
        this.#updates.shift()?.answered.resolve();
        return this.#begun.resolve();
      case "speech-started":
        return this.#events.push({ type: "speech-started" });
      case "speech-stopped":
        this.#isCommitting = false;
        return this.#events.push({ type: "speech-stopped" });
      case "audio-committed":
        return this.#committed(true);
      case "input-transcription-completed":
        return this.#transcribed(event.itemId, event.transcript, true);
      case "custom":
        return this.#transcribing(event.rawType, raw);
      case "response-created":
        return void this.#created(event.responseId, raw);
      case "audio-delta": {
        const reply = this.#reply(event.responseId);
        const pcm = reply.push(event.itemId, Uint8Array.fromBase64(event.delta));
        return this.#events.push({ type: "audio", replyId: reply.id, pcm });
      }
      case "audio-transcript-delta":
      case "text-delta": {
        const replyId = this.#reply(event.responseId).id;
        return this.#events.push({ type: "text", replyId, text: event.delta });
      }
      case "output-item-added":
        return this.#reply(event.responseId).begin(raw.item);
      case "function-call-arguments-done": {
        const { callId, name, arguments: text } = event;
        return this.#called(this.#reply(event.responseId), { id: callId, name, text });
      }
      case "response-done":
        return this.#done(this.#reply(event.responseId), event, raw);
      case "error":
        return this.#failed(event);
    }
  }

  /** Says in time that the session ends, where the service limits it. */
  #expectEnd(expiresAt: number | null | undefined): void {
    if (!expiresAt) return;
    const { clock } = this.#init;
    const { endingMs } = REALTIME_LIMITS;
    const leftMs = 1000 * expiresAt - clock.epochMs();
    this.#ending?.[Symbol.dispose]();
    this.#ending = clock.schedule(() => {
      this.#events.push({ type: "session-ending", timeLeftMs: Math.min(leftMs, endingMs) });
    }, Math.max(0, leftMs - endingMs));
  }

  #committed(awaitsReply: boolean): void {
    if (!this.#isCommitting) return;
    this.#isCommitting = false;
    this.#events.push({ type: "speech-stopped", awaitsReply });
  }

  /** Reads what the SDK has no event for: transcripts in progress, and those that failed. */
  #transcribing(rawType: string, { item_id: id = "", delta = "", error }: RawEvent): void {
    if (rawType === `${TRANSCRIPTION}.delta`) {
      this.#transcribed(id, (this.#transcripts.get(id) ?? "") + delta, false);
    } else if (rawType === `${TRANSCRIPTION}.failed`) {
      const failed = serviceError(NAME, { message: "no transcript", ...error });
      this.#transcribed(id, this.#transcripts.get(id) ?? "", true, failed);
    }
  }

  #transcribed(id: string, text: string, final: boolean, error?: InferenceError): void {
    if (final) this.#transcripts.delete(id);
    else this.#transcripts.set(id, text);
    this.#events.push({ type: "user-transcript", id, text, final, error });
  }

  #created(id: string, raw: RawEvent): AiSdkReply {
    const reply = this.#active = new AiSdkReply(id);
    this.#replies.set(id, reply);
    if (this.#replies.size > MAX_REPLIES) this.#replies.delete(this.#replies.keys().next().value!);
    const { metadata } = raw.response ?? {};
    // A service that does not return the metadata responds to what it was asked for.
    const requestId = metadata === undefined ? this.#requestId : metadata?.request;
    if (requestId === this.#requestId) this.#requestId = undefined;
    this.#events.push({ type: "reply-started", replyId: id, requestId });
    return reply;
  }

  /** Returns a reply, which some services begin without a word. */
  #reply(id: string): AiSdkReply {
    return this.#replies.get(id) ?? this.#created(id, {});
  }

  #called(
    reply: AiSdkReply,
    { id, name, text }: { id: string; name: string; text: string | undefined },
  ): void {
    if (!reply.takeCall(id)) return;
    this.#toolNames.set(id, name);
    let input: JsonValue = {};
    let fault = text === undefined ? "the call was cut off" : undefined;
    try {
      input = JSON.parse(text || "{}");
    } catch {
      fault = "the arguments are not JSON";
    }
    this.#events.push({ type: "tool-call", replyId: reply.id, call: { id, name, input }, fault });
  }

  #done(
    reply: AiSdkReply,
    { status, usage }: Extract<ServerEvent, { type: "response-done" }>,
    { response }: RawEvent,
  ): void {
    for (const call of reply.cutCalls) this.#called(reply, { ...call, text: undefined });
    if (this.#active === reply) this.#active = undefined;
    const { reason, error } = response?.status_details ?? {};
    this.#events.push({
      type: "reply-ended",
      replyId: reply.id,
      status: STATUSES.find((one) => one === status) ?? "completed",
      reason,
      error: status === "failed" ? serviceError(NAME, { message: status, ...error }) : undefined,
      ...usage ? { usage: tokensOf(usage) } : {},
    });
  }

  #failed({ message, code, clientEventId: id }: ServerEvent & { type: "error" }): void {
    if (LATE.includes(code ?? "")) return;
    // There was nothing to commit: the service has ended the turn itself, or heard none.
    if (code === "input_audio_buffer_commit_empty") return this.#committed(false);
    const update = this.#updates.find((one) => one.id === id);
    if (update) this.#forget(update);
    if (id?.startsWith("alive-")) return;
    const error = serviceError(NAME, { code, message });
    if (update && id !== "begin") return update.answered.reject(error);
    const requestId = this.#requestId;
    if (requestId !== undefined && (id === requestId || code === REALTIME_BUSY)) {
      this.#requestId = undefined;
      return this.#events.push({ type: "reply-refused", requestId, error });
    }
    this.#begun.reject(error);
    this.#events.push({ type: "error", error });
  }
}

function tokensOf({ inputTokens = 0, outputTokens = 0 }: Usage) {
  return { inputTokens, outputTokens };
}

const STATUSES: readonly RealtimeReplyStatus[] = ["completed", "cancelled", "incomplete", "failed"];
