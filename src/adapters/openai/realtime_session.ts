/** A session with a realtime model of OpenAI. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { ChatMessage, EncodedImage } from "../../inference/contracts/messages.ts";
import type { RealtimeEvent, RealtimeSession } from "../../inference/contracts/realtime_llm.ts";
import type { ToolResult } from "../../inference/contracts/tool.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import { Channel } from "../../events/channel.ts";
import type { KeepaliveSocket, SocketEnd } from "../../edge/toolkit/keepalive_socket.ts";
import {
  closedError,
  isLateCancel,
  REALTIME_FORMAT,
  serviceError,
  type SocketEvents,
} from "./realtime_protocol.ts";
import {
  readServerEvent,
  type ServerEvent,
  type ServerItem,
  type ServerResponse,
  type ServiceFailure,
} from "./realtime_events.ts";
import { PcmBytes } from "./pcm_bytes.ts";

/** The most bytes that may wait in the socket: audio that waits for seconds is too old. */
const MAX_BUFFERED_BYTES = 400_000;

/** A session over a WebSocket with OpenAI's realtime protocol. */
export class OpenAIRealtimeSession implements RealtimeSession {
  readonly #socket: KeepaliveSocket;
  readonly #events = new Channel<RealtimeEvent>();
  readonly #begun = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #replies = new Map<string, { responseId: string; pcm: PcmBytes }>();
  readonly #transcripts = new Map<string, string>();
  /** Tool calls whose result has not been sent yet. */
  readonly #calls = new Set<string>();
  #activeResponse: string | undefined;
  #resultsSent = false;
  #droppedMs = 0;
  #closing = false;

  constructor(connect: (events: SocketEvents) => KeepaliveSocket) {
    this.#opened.promise.catch(() => {});
    this.#begun.promise.catch(() => {});
    this.#socket = connect({
      onOpen: () => this.#opened.resolve(),
      onMessage: (data) => this.#receive(data),
      onEnd: (end) => this.#ended(end),
    });
  }

  /** Milliseconds of audio that the session dropped because the network was too slow. */
  get droppedMs(): number {
    return this.#droppedMs;
  }

  /** Sends the session's settings and the conversation's history. */
  async begin(settings: object, history: readonly ChatMessage[]): Promise<void> {
    await this.#opened.promise;
    this.#send({ type: "session.update", session: settings });
    await this.#begun.promise;
    for (const message of history) {
      if (message.role !== "user" && message.role !== "assistant") continue;
      const text = message.role === "user" ? labelled(message.text, message.name) : message.text;
      this.#sendItem(message.role, [{
        type: message.role === "user" ? "input_text" : "output_text",
        text,
      }]);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<RealtimeEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#events.end();
    await this.#socket.close();
  }

  sendAudio(pcm: PcmChunk): void {
    if (this.#socket.bufferedBytes > MAX_BUFFERED_BYTES) {
      this.#droppedMs += pcm.durationMs;
      return;
    }
    const { buffer, byteOffset, byteLength } = pcm.samples;
    const audio = new Uint8Array(buffer, byteOffset, byteLength).toBase64();
    this.#send({ type: "input_audio_buffer.append", audio });
  }

  sendImage({ mediaType, data }: EncodedImage): void {
    const image_url = `data:${mediaType};base64,${data.toBase64()}`;
    this.#sendItem("user", [{ type: "input_image", image_url }]);
  }

  say(text: string): void {
    const instructions = `Say exactly the following, word for word, and nothing else: ${text}`;
    this.#send({ type: "response.create", response: { instructions } });
  }

  sendText(text: string, { name, generateReply }: { name?: string; generateReply: boolean }): void {
    this.#sendItem("user", [{ type: "input_text", text: labelled(text, name) }]);
    if (generateReply) this.#send({ type: "response.create" });
  }

  sendToolResult(callId: string, { text }: ToolResult): void {
    this.#send({
      type: "conversation.item.create",
      item: { type: "function_call_output", call_id: callId, output: text },
    });
    this.#calls.delete(callId);
    this.#resultsSent = true;
    this.#continue();
  }

  interrupt(replyId: string, heardMs: number): void {
    const reply = this.#replies.get(replyId);
    if (reply && reply.responseId === this.#activeResponse) {
      this.#send({ type: "response.cancel", response_id: reply.responseId });
    }
    this.#send({
      type: "conversation.item.truncate",
      item_id: replyId,
      content_index: 0,
      audio_end_ms: heardMs,
    });
  }

  /** Requests the reply to the tools' results, once all have been sent. */
  #continue(): void {
    if (!this.#resultsSent || this.#calls.size > 0 || this.#activeResponse !== undefined) return;
    this.#resultsSent = false;
    this.#send({ type: "response.create" });
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  #sendItem(role: "user" | "assistant", content: object[]): void {
    const item = { type: "message", role, content };
    this.#send({ type: "conversation.item.create", item });
  }

  #ended(end: SocketEnd): void {
    const error = closedError("openai-realtime", end);
    if (this.#closing) this.#events.end();
    else this.#events.fail(error);
    this.#opened.reject(error);
    this.#begun.reject(error);
  }

  #receive(data: string | Uint8Array): void {
    try {
      const event = readServerEvent(data);
      if (event) this.#take(event);
    } catch (cause) {
      const error = new InferenceError("openai-realtime: cannot read an event of the service", {
        code: "malformed",
        cause,
      });
      this.#events.push({ type: "error", error });
    }
  }

  #take(event: ServerEvent): void {
    switch (event.type) {
      case "session.updated":
        return this.#begun.resolve();
      case "input_audio_buffer.speech_started":
        return this.#events.push({ type: "speech-started" });
      case "input_audio_buffer.speech_stopped":
        return this.#events.push({ type: "speech-stopped" });
      case "conversation.item.input_audio_transcription.delta": {
        const { item_id: id } = event;
        const text = (this.#transcripts.get(id) ?? "") + event.delta;
        this.#transcripts.set(id, text);
        return this.#events.push({ type: "user-transcript", id, text, final: false });
      }
      case "conversation.item.input_audio_transcription.completed": {
        const { item_id: id, transcript: text } = event;
        this.#transcripts.delete(id);
        return this.#events.push({ type: "user-transcript", id, text, final: true });
      }
      case "response.created":
        this.#activeResponse = event.response.id;
        return;
      case "response.output_audio_transcript.delta":
      case "response.output_text.delta":
        this.#reply(event);
        return this.#events.push({ type: "text", replyId: event.item_id, text: event.delta });
      case "response.output_audio.delta": {
        const pcm = this.#reply(event).pcm.push(Uint8Array.fromBase64(event.delta));
        return this.#events.push({ type: "audio", replyId: event.item_id, pcm });
      }
      case "response.output_item.done":
        return this.#itemDone(event.item);
      case "response.done":
        return this.#responseDone(event.response);
      case "error":
        return this.#failed(event.error);
    }
  }

  #reply(
    { item_id, response_id: responseId = "" }: {
      item_id: string;
      response_id?: string | undefined;
    },
  ): { pcm: PcmBytes } {
    const known = this.#replies.get(item_id);
    if (known) return known;
    const reply = { responseId, pcm: new PcmBytes(REALTIME_FORMAT.rate) };
    this.#replies.set(item_id, reply);
    return reply;
  }

  #itemDone({ type, name, call_id: id, arguments: text }: ServerItem): void {
    if (type !== "function_call" || !name || !id) return;
    this.#calls.add(id);
    this.#events.push({ type: "tool-call", call: { id, name, input: JSON.parse(text || "{}") } });
  }

  #responseDone({ id, status, status_details: details }: ServerResponse): void {
    if (this.#activeResponse === id) this.#activeResponse = undefined;
    for (const [replyId, { responseId }] of this.#replies) {
      if (responseId !== id) continue;
      this.#replies.delete(replyId);
      this.#events.push({ type: "reply-ended", replyId });
    }
    if (status === "failed") this.#failed(details?.error ?? {});
    this.#continue();
  }

  #failed(failure: ServiceFailure): void {
    if (isLateCancel(failure)) return;
    const error = serviceError("openai-realtime", failure);
    this.#begun.reject(error);
    this.#events.push({ type: "error", error });
  }
}

function labelled(text: string, name: string | undefined): string {
  return name ? `${name}: ${text}` : text;
}
