/** A response of {@linkcode RealtimeService}: its events, in the order in which the service sends them. */
import type {
  ConversationItem,
  RealtimeConversationItemAssistantMessage,
  RealtimeConversationItemFunctionCall,
  RealtimeResponse,
} from "npm:openai@7.57.0/resources/realtime/realtime";
import type { RealtimeService, ServiceEvent } from "./_realtime_service.ts";

const BYTES_PER_MS = 48;
const CHUNK_MS = 200;
const MS_PER_CHAR = 50;

/** What a response says or does. */
export interface ScriptedResponse {
  /** What it says, with audio of 50 ms a character. */
  text?: string;
  call?: { name: string; arguments: string };
  /** Whether its end waits for `release`, or for a cancellation. */
  isHeld?: boolean;
  /** How it ends. Default `"completed"`. */
  end?: "max_output_tokens" | "content_filter" | "server_error";
}

type OutputItem =
  | RealtimeConversationItemAssistantMessage
  | RealtimeConversationItemFunctionCall;

type Metadata = Record<string, string> | null;

export class ServiceResponse {
  /** The audio of each item, in milliseconds. */
  static readonly audioMs = new Map<string, number>();
  readonly id: string;
  readonly #service: RealtimeService;
  readonly #step: ScriptedResponse;
  readonly #metadata: Metadata;
  readonly #onEnd: () => void;
  #item: OutputItem | undefined;

  constructor(
    service: RealtimeService,
    step: ScriptedResponse,
    metadata: Metadata,
    onEnd: () => void,
  ) {
    this.#service = service;
    this.#step = step;
    this.#metadata = metadata;
    this.#onEnd = onEnd;
    this.id = service.id("resp");
  }

  begin(): void {
    const { text, call, isHeld } = this.#step;
    this.#send({ type: "response.created", response: this.#response("in_progress") });
    if (call) this.#beginCall(call.name);
    else if (text) this.#beginMessage(text);
    if (!isHeld) this.complete();
  }

  complete(): void {
    const { end, call } = this.#step;
    if (call && !end) this.#streamArguments(call.arguments);
    const isWhole = end === undefined;
    this.#endItem(isWhole ? "completed" : "incomplete");
    if (isWhole) return this.#end(this.#response("completed"));
    if (end === "server_error") {
      const error = { type: end, code: end, message: "The server had an error." };
      return this.#end(this.#response("failed", { type: "failed", error }));
    }
    this.#end(this.#response("incomplete", { type: "incomplete", reason: end }));
  }

  cancel(reason: "turn_detected" | "client_cancelled"): void {
    this.#endItem("incomplete");
    this.#end(this.#response("cancelled", { type: "cancelled", reason }));
  }

  #send(event: ServiceEvent): void {
    this.#service.send(event);
  }

  #response(
    status: RealtimeResponse["status"],
    status_details?: RealtimeResponse["status_details"],
  ): RealtimeResponse {
    const output = this.#item ? [this.#item as ConversationItem] : [];
    const object = "realtime.response";
    const usage = status === "in_progress"
      ? undefined
      : { total_tokens: 150, input_tokens: 120, output_tokens: 30 };
    return { object, id: this.id, status, status_details, output, metadata: this.#metadata, usage };
  }

  get #part() {
    const { id: response_id } = this;
    return { response_id, item_id: this.#item!.id!, output_index: 0, content_index: 0 };
  }

  #addItem(item: OutputItem): void {
    this.#item = item;
    const { id: response_id } = this;
    this.#send({ type: "response.output_item.added", response_id, output_index: 0, item });
    this.#service.add(item as ConversationItem, false);
  }

  #beginCall(name: string): void {
    const id = this.#service.id("item");
    const call_id = this.#service.id("call");
    this.#addItem({
      id,
      type: "function_call",
      status: "in_progress",
      name,
      call_id,
      arguments: "",
    });
  }

  #streamArguments(text: string): void {
    const item = this.#item as RealtimeConversationItemFunctionCall;
    const { content_index: _, ...part } = this.#part;
    const call = { ...part, call_id: item.call_id! };
    const { name } = item;
    item.arguments = text;
    this.#send({ type: "response.function_call_arguments.delta", ...call, delta: text });
    this.#send({ type: "response.function_call_arguments.done", ...call, name, arguments: text });
  }

  get #isText(): boolean {
    return this.#service.session.output_modalities?.[0] === "text";
  }

  #beginText(text: string): void {
    const id = this.#service.id("item");
    this.#addItem({ id, type: "message", role: "assistant", status: "in_progress", content: [] });
    const item = this.#item as RealtimeConversationItemAssistantMessage;
    this.#send({
      type: "response.content_part.added",
      ...this.#part,
      part: { type: "text", text: "" },
    });
    for (const delta of text.match(/\S+\s*/g) ?? []) {
      this.#send({ type: "response.output_text.delta", ...this.#part, delta });
    }
    item.content = [{ type: "output_text", text }];
  }

  #beginMessage(text: string): void {
    if (this.#isText) return this.#beginText(text);
    const id = this.#service.id("item");
    const content = [{ type: "output_audio" as const, transcript: "" }];
    this.#addItem({ id, type: "message", role: "assistant", status: "in_progress", content: [] });
    (this.#item as RealtimeConversationItemAssistantMessage).content = content;
    const part = { type: "audio" as const, transcript: "" };
    this.#send({ type: "response.content_part.added", ...this.#part, part });
    for (const delta of text.match(/\S+\s*/g) ?? []) {
      this.#send({ type: "response.output_audio_transcript.delta", ...this.#part, delta });
    }
    const wholeMs = MS_PER_CHAR * text.length;
    for (let ms = 0; ms < wholeMs; ms += CHUNK_MS) {
      const delta = tone(Math.min(CHUNK_MS, wholeMs - ms)).toBase64();
      this.#send({ type: "response.output_audio.delta", ...this.#part, delta });
    }
    content[0]!.transcript = text;
    ServiceResponse.audioMs.set(id, wholeMs);
  }

  #endItem(status: "completed" | "incomplete"): void {
    const item = this.#item;
    if (!item) return;
    item.status = status;
    if (item.type === "message" && this.#isText) {
      const text = this.#step.text!;
      this.#send({ type: "response.output_text.done", ...this.#part, text });
      const part = { type: "text" as const, text };
      this.#send({ type: "response.content_part.done", ...this.#part, part });
    } else if (item.type === "message") {
      const transcript = this.#step.text!;
      const part = { type: "audio" as const, transcript };
      this.#send({ type: "response.output_audio.done", ...this.#part });
      this.#send({ type: "response.output_audio_transcript.done", ...this.#part, transcript });
      this.#send({ type: "response.content_part.done", ...this.#part, part });
    }
    const whole = item as ConversationItem;
    this.#send({ type: "conversation.item.done", item: whole, previous_item_id: null });
    const { id: response_id } = this;
    this.#send({ type: "response.output_item.done", response_id, output_index: 0, item: whole });
  }

  #end(response: RealtimeResponse): void {
    this.#onEnd();
    this.#send({ type: "response.done", response });
    const limit = { name: "tokens" as const, limit: 40_000, remaining: 39_000, reset_seconds: 1.5 };
    this.#send({ type: "rate_limits.updated", rate_limits: [limit] });
  }
}

function tone(ms: number): Uint8Array {
  const samples = Int16Array.from({ length: ms * 24 }, (_, n) => 4000 * Math.sin(n / 12));
  return new Uint8Array(samples.buffer, 0, BYTES_PER_MS * ms);
}
