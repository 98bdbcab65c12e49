/** A session with a realtime model of OpenAI. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import { waitFor } from "../../events/waiting.ts";
import type { ChatMessage, ToolImage } from "../../inference/contracts/messages.ts";
import type {
  RealtimeEvent,
  RealtimeReplyRequest,
  RealtimeReplyStatus,
  RealtimeSession,
} from "../../inference/contracts/realtime_llm.ts";
import { REALTIME_BUSY, REALTIME_LIMITS } from "../../inference/contracts/realtime_limits.ts";
import type { ToolResult } from "../../inference/contracts/tool.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import { Channel } from "../../events/channel.ts";
import { base64Of } from "../streaming/bytes.ts";
import type { KeepaliveSocket, SocketEnd } from "../../edge/toolkit/keepalive_socket.ts";
import { closedError, isLateCancel, serviceError, type SocketEvents } from "./realtime_protocol.ts";
import {
  readServerEvent,
  type ServerEvent,
  type ServerItem,
  type ServerResponse,
  type ServiceFailure,
} from "./realtime_events.ts";
import { conversationItems, imagesOf } from "./realtime_items.ts";
import { RealtimeResponse } from "./realtime_response.ts";
import { instructedSession } from "./realtime_settings.ts";

const NAME = "openai-realtime";
/** So many responses that have ended can still be cut down to what was heard of them. */
const MAX_RESPONSES = 16;
/** The ids of messages that may come too late, which is no failure, begin with this. */
const LATE_OK = "late-ok-";
/** The id of the message that begins the session. */
const BEGIN = "begin";

/** What {@linkcode OpenAIRealtimeSession} needs. */
export interface SessionInit {
  clock: Clock;
  /** Whether the service replies by itself when it has detected the end of a turn. */
  repliesToTurns: boolean;
  connect: (events: SocketEvents) => KeepaliveSocket;
}

/** A change of the session, and when the service has answered it. */
interface SessionUpdate {
  readonly id: string;
  readonly answered: PromiseWithResolvers<void>;
}

/** A session over a WebSocket with OpenAI's realtime protocol. */
export class OpenAIRealtimeSession implements RealtimeSession {
  readonly #init: SessionInit;
  readonly #socket: KeepaliveSocket;
  readonly #events = new Channel<RealtimeEvent>();
  readonly #begun = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  /** The latest responses, by id. */
  readonly #responses = new Map<string, RealtimeResponse>();
  readonly #transcripts = new Map<string, string>();
  /** Calls that the service cut off, and whose output is due. */
  readonly #cutCalls = new Set<string>();
  #active: RealtimeResponse | undefined;
  /** The request that was sent and has no response yet. */
  #requestId: string | undefined;
  /** Whether the service returns the metadata of a request with its response. */
  #returnsMetadata = false;
  /** Whether a turn was committed, and the service has not confirmed it. */
  #isCommitting = false;
  /** The changes of the session that were sent and not answered, in their order. */
  readonly #updates: SessionUpdate[] = [];
  #count = 0;
  #droppedInARowMs = 0;
  #endingTimer: Disposable | undefined;
  #closing = false;

  constructor(init: SessionInit) {
    this.#init = init;
    this.#opened.promise.catch(() => {});
    this.#begun.promise.catch(() => {});
    this.#socket = init.connect({
      onOpen: () => this.#opened.resolve(),
      onMessage: (data) => this.#receive(data),
      onEnd: (end) => this.#ended(closedError(NAME, end), end),
    });
  }

  /** Sends the session's settings and the conversation's history. */
  async begin(settings: object, history: readonly ChatMessage[]): Promise<void> {
    await this.#opened.promise;
    this.#send(this.#updateMessage(settings, BEGIN).message);
    await this.#begun.promise;
    for (const message of history) {
      for (const item of conversationItems(message)) this.#sendItem(item);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<RealtimeEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#endingTimer?.[Symbol.dispose]();
    this.#events.end();
    await this.#socket.close();
  }

  sendAudio(pcm: PcmChunk): void {
    if (this.#socket.bufferedBytes > REALTIME_LIMITS.maxBufferedBytes) return this.#drop(pcm);
    this.#droppedInARowMs = 0;
    this.#send({ type: "input_audio_buffer.append", audio: base64Of(pcm.samples) });
  }

  sendImage(image: ToolImage): void {
    this.#sendItem({ type: "message", role: "user", content: imagesOf([image]) });
  }

  sendText(
    text: string,
    { name, role = "user" }: { name?: string; role?: "user" | "assistant" },
  ): void {
    const message: ChatMessage = role === "user" ? { role, text, name } : { role, text };
    for (const item of conversationItems(message)) this.#sendItem(item);
  }

  async update(options: Parameters<typeof instructedSession>[0]): Promise<void> {
    const { update, message } = this.#updateMessage(
      instructedSession(options),
      `update-${++this.#count}`,
    );
    this.#send(message);
    try {
      await waitFor(update.answered.promise, "the answer to session.update", {
        timeoutMs: REALTIME_LIMITS.updateMs,
        clock: this.#init.clock,
      });
    } finally {
      this.#forget(update);
    }
  }

  /** Returns a message that changes nothing, and is answered: any answer shows that the service is there. */
  keepalive(): string {
    return JSON.stringify(this.#updateMessage({ type: "realtime" }, this.#lateOk()).message);
  }

  sendToolResult(callId: string, { text, images = [] }: ToolResult): void {
    // The service may not have kept a call that it cut off.
    const event_id = this.#cutCalls.delete(callId) ? this.#lateOk() : undefined;
    this.#sendItem({ type: "function_call_output", call_id: callId, output: text }, event_id);
    for (const image of images) this.sendImage(image);
  }

  requestReply({ id, say }: RealtimeReplyRequest): void {
    this.#requestId = id;
    const spoken = say === undefined ? {} : {
      instructions: `Say exactly the following, word for word, and nothing else: ${say}`,
      tool_choice: "none",
    };
    const response = { metadata: { request: id }, ...spoken };
    this.#send({ type: "response.create", event_id: id, response });
  }

  interrupt(replyId: string, heardMs: number, heardText = ""): void {
    const response = this.#responses.get(replyId);
    if (!response) return;
    if (response === this.#active) {
      const { id: response_id } = response;
      this.#send({ type: "response.cancel", event_id: this.#lateOk(), response_id });
    }
    for (const cut of [...response.cut(heardMs), ...response.cutText(heardText)]) {
      this.#send({ event_id: this.#lateOk(), ...cut });
    }
  }

  commitTurn(): void {
    this.#isCommitting = true;
    this.#send({ type: "input_audio_buffer.commit", event_id: this.#lateOk() });
  }

  #lateOk(): string {
    return `${LATE_OK}${++this.#count}`;
  }

  #drop({ durationMs }: PcmChunk): void {
    this.#droppedInARowMs += durationMs;
    if (this.#droppedInARowMs < REALTIME_LIMITS.maxDroppedMs) return;
    this.#lose("the socket takes no audio");
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** Notes a change of the session that is sent: answers come in the order of the changes, and name none. */
  #updateMessage(session: object, id: string): { update: SessionUpdate; message: object } {
    const update = { id, answered: Promise.withResolvers<void>() };
    update.answered.promise.catch(() => {});
    this.#updates.push(update);
    return { update, message: { type: "session.update", event_id: id, session } };
  }

  #forget(update: SessionUpdate): void {
    const index = this.#updates.indexOf(update);
    if (index >= 0) this.#updates.splice(index, 1);
  }

  #sendItem(item: object, event_id?: string): void {
    this.#send({ type: "conversation.item.create", event_id, item });
  }

  /** Ends the session, which is of no more use. */
  #lose(why: string): void {
    this.#ended(new InferenceError(`${NAME}: ${why}`, { code: "cut-off", retryable: true }));
    this.#socket.close();
  }

  #ended(error: InferenceError, end?: SocketEnd): void {
    this.#endingTimer?.[Symbol.dispose]();
    if (this.#closing || end?.kind === "closed") this.#events.end();
    else this.#events.fail(error);
    this.#opened.reject(error);
    this.#begun.reject(error);
    // The session that replaces this one begins with what was to be changed.
    for (const { answered } of this.#updates.splice(0)) answered.resolve();
  }

  #receive(data: string | Uint8Array): void {
    try {
      const event = readServerEvent(data);
      if (event) this.#take(event);
    } catch (cause) {
      const error = new InferenceError(`${NAME}: cannot read an event of the service`, {
        code: "malformed",
        cause,
      });
      this.#events.push({ type: "error", error });
    }
  }

  #take(event: ServerEvent): void {
    switch (event.type) {
      case "session.created":
        return this.#expectEnd(event.session?.expires_at);
      case "session.updated":
        this.#updates.shift()?.answered.resolve();
        return this.#begun.resolve();
      case "input_audio_buffer.speech_started":
        return this.#events.push({ type: "speech-started" });
      case "input_audio_buffer.speech_stopped":
        // It noticed at the same time.
        this.#isCommitting = false;
        return this.#events.push({ type: "speech-stopped" });
      case "input_audio_buffer.committed":
        return this.#committed(this.#init.repliesToTurns);
      case "conversation.item.input_audio_transcription.delta": {
        const { item_id: id } = event;
        const text = (this.#transcripts.get(id) ?? "") + event.delta;
        this.#transcripts.set(id, text);
        return this.#events.push({ type: "user-transcript", id, text, final: false });
      }
      case "conversation.item.input_audio_transcription.completed":
        return this.#transcribed(event.item_id, event.transcript);
      case "conversation.item.input_audio_transcription.failed": {
        const text = this.#transcripts.get(event.item_id) ?? "";
        return this.#transcribed(event.item_id, text, serviceError(NAME, event.error));
      }
      case "response.created":
        this.#created(event.response);
        return;
      case "response.output_audio_transcript.delta":
      case "response.output_text.delta": {
        const response = this.#response(event.response_id);
        if (event.type === "response.output_text.delta") response.write(event);
        return this.#events.push({ type: "text", replyId: response.id, text: event.delta });
      }
      case "response.output_audio.delta": {
        const response = this.#response(event.response_id);
        const pcm = response.push(event);
        return this.#events.push({ type: "audio", replyId: response.id, pcm });
      }
      case "response.output_item.done":
        return this.#itemDone(this.#response(event.response_id), event.item);
      case "response.done":
        return this.#done(event.response);
      case "error":
        return this.#failed(event.error);
    }
  }

  /** Says in time that the session ends: it has a longest duration. */
  #expectEnd(expiresAt: number | null | undefined): void {
    if (!expiresAt) return;
    const { endingMs } = REALTIME_LIMITS;
    const leftMs = 1000 * expiresAt - Date.now();
    this.#endingTimer?.[Symbol.dispose]();
    this.#endingTimer = this.#init.clock.schedule(() => {
      this.#events.push({ type: "session-ending", timeLeftMs: Math.min(leftMs, endingMs) });
    }, Math.max(0, leftMs - endingMs));
  }

  /** A turn that this side committed has ended. */
  #committed(awaitsReply: boolean): void {
    if (!this.#isCommitting) return;
    this.#isCommitting = false;
    this.#events.push({ type: "speech-stopped", awaitsReply });
  }

  #transcribed(id: string, text: string, error?: InferenceError): void {
    this.#transcripts.delete(id);
    this.#events.push({ type: "user-transcript", id, text, final: true, error });
  }

  #created({ id = "", metadata }: ServerResponse): RealtimeResponse {
    const response = this.#active = new RealtimeResponse(id);
    this.#responses.set(id, response);
    if (this.#responses.size > MAX_RESPONSES) {
      this.#responses.delete(this.#responses.keys().next().value!);
    }
    let requestId = metadata?.request;
    if (requestId) this.#returnsMetadata = true;
    // A service that does not return the metadata responds to what it was asked for.
    else if (!this.#returnsMetadata) requestId = this.#requestId;
    if (requestId === this.#requestId) this.#requestId = undefined;
    this.#events.push({ type: "reply-started", replyId: id, requestId });
    return response;
  }

  /** Returns a response: the one in progress where the service does not say which. */
  #response(id: string | undefined): RealtimeResponse {
    const response = id === undefined ? this.#active : this.#responses.get(id);
    return response ?? this.#created({ id, status: undefined, output: [] });
  }

  #itemDone(response: RealtimeResponse, item: ServerItem): void {
    const { type, name, call_id: id, arguments: text, status = "completed" } = item;
    if (type !== "function_call" || !name || !id || response.callIds.has(id)) return;
    response.callIds.add(id);
    const input = parsed(text || "{}");
    const fault = status !== "completed"
      ? "the call was cut off"
      : input === undefined
      ? "the arguments are not JSON"
      : undefined;
    if (fault) this.#cutCalls.add(id);
    const call = { id, name, input: input ?? {} };
    this.#events.push({ type: "tool-call", replyId: response.id, call, fault });
  }

  #done({ id, status, status_details: details, output, usage }: ServerResponse): void {
    const response = this.#response(id);
    // Some services show the calls only here.
    for (const item of output) this.#itemDone(response, item);
    if (this.#active === response) this.#active = undefined;
    this.#events.push({
      type: "reply-ended",
      replyId: response.id,
      status: isStatus(status) ? status : "completed",
      reason: details?.reason,
      error: status === "failed" ? serviceError(NAME, details?.error ?? {}) : undefined,
      ...usage
        ? { usage: { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens } }
        : {},
    });
  }

  #failed(failure: ServiceFailure): void {
    const { event_id: id, code } = failure;
    if (isLateCancel(failure)) return;
    // There was nothing to commit: the service has ended the turn itself, or heard none.
    if (code === "input_audio_buffer_commit_empty") return this.#committed(false);
    const update = this.#updates.find((one) => one.id === id);
    if (update) this.#forget(update);
    if (id?.startsWith(LATE_OK)) return;
    const error = serviceError(NAME, failure);
    if (update && id !== BEGIN) return update.answered.reject(error);
    if (
      this.#requestId !== undefined && (id === this.#requestId || (!id && code === REALTIME_BUSY))
    ) {
      return this.#refused(this.#requestId, error, code === REALTIME_BUSY);
    }
    this.#begun.reject(error);
    if (code === "session_expired") return this.#lose(error.message);
    this.#events.push({ type: "error", error });
  }

  #refused(requestId: string, cause: InferenceError, isBusy: boolean): void {
    this.#requestId = undefined;
    const error = isBusy
      ? new InferenceError(cause.message, { code: cause.code, retryable: true, cause })
      : cause;
    this.#events.push({ type: "reply-refused", requestId, error });
  }
}

function parsed(text: string): ReturnType<typeof JSON.parse> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isStatus(status: string | undefined): status is RealtimeReplyStatus {
  return status === "cancelled" || status === "incomplete" || status === "failed";
}
