/**
 * A service with OpenAI's realtime protocol: it keeps a conversation, hears turns, replies by a script,
 * and refuses what the service refuses. Its messages are typed by the official `openai` package, and
 * official clients are its first users: see `openai_realtime_official_test.ts`.
 */
import type {
  ConversationItem,
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeSessionCreateRequest,
} from "npm:openai@7.57.0/resources/realtime/realtime";
import { RealtimeDouble } from "./_realtime_double.ts";
import { type ScriptedResponse, ServiceResponse } from "./_realtime_service_response.ts";

/** An event without its id. */
type Draft<T> = T extends { event_id: string } ? Omit<T, "event_id"> : T;
export type ServiceEvent = Draft<RealtimeServerEvent>;

type ErrorDetails = { code: string; message: string; event_id?: string | undefined };

const BYTES_PER_MS = 48;
const SPEECH_MS = 100;
const SILENCE_MS = 400;
const LOUD = 500;

/** The options of the service. */
export interface RealtimeServiceOptions {
  /** What it says or does, response by response. Default: nothing. */
  script?: ScriptedResponse[];
  /** The transcripts of the turns. */
  heard?: string[];
  tls?: { cert: string; key: string };
  /** Refuses changes with more characters of instructions than this. Default: none. */
  maxInstructions?: number;
}

export class RealtimeService implements AsyncDisposable {
  readonly double: RealtimeDouble;
  /** All that it sent. */
  readonly sent: RealtimeServerEvent[] = [];
  readonly items: ConversationItem[] = [];
  session: RealtimeSessionCreateRequest = {
    type: "realtime",
    audio: { input: { turn_detection: { type: "server_vad" } } },
  };
  readonly #maxInstructions: number;
  readonly #script: ScriptedResponse[];
  readonly #heard: string[];
  #active: ServiceResponse | undefined;
  #count = 0;
  #bufferedMs = 0;
  #totalMs = 0;
  #soundMs = 0;
  #silenceMs = 0;
  #speakingItem: string | undefined;

  constructor(
    { script = [], heard = [], tls, maxInstructions = Infinity }: RealtimeServiceOptions = {},
  ) {
    this.#maxInstructions = maxInstructions;
    this.#script = script;
    this.#heard = heard;
    this.double = new RealtimeDouble({
      tls,
      onOpen: () => this.send({ type: "session.created", session: this.session }),
      onMessage: (message: RealtimeClientEvent) => this.#receive(message),
    });
  }

  get baseUrl(): string {
    return this.double.baseUrl;
  }

  /** What clients sent. */
  get received(): RealtimeClientEvent[] {
    return this.double.received;
  }

  /** The errors that it sent. */
  get errors(): string[] {
    return this.sent.flatMap((one) => one.type === "error" ? one.error.message : []);
  }

  id(kind: string): string {
    return `${kind}_${++this.#count}`;
  }

  send(event: ServiceEvent): void {
    const whole = { event_id: this.id("event"), ...event } as RealtimeServerEvent;
    this.sent.push(whole);
    if (this.double.socket.readyState === WebSocket.OPEN) this.double.send(whole);
  }

  /** Adds an item to the conversation. */
  add(item: ConversationItem, isDone = true): void {
    const previous_item_id = this.items.at(-1)?.id ?? null;
    this.items.push(item);
    this.send({ type: "conversation.item.added", item, previous_item_id });
    if (isDone) this.send({ type: "conversation.item.done", item, previous_item_id });
  }

  /** Completes the response that the script holds back. */
  release(): void {
    this.#active?.complete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.double[Symbol.asyncDispose]();
  }

  #receive(message: RealtimeClientEvent): void {
    const { event_id } = message;
    switch (message.type) {
      case "session.update":
        if (message.session.type !== "realtime") {
          return this.#fail({
            code: "missing_required_parameter",
            message: "session.type",
            event_id,
          });
        }
        if ((message.session.instructions?.length ?? 0) > this.#maxInstructions) {
          const message = "Invalid 'session.instructions': string too long.";
          return this.#fail({ code: "string_above_max_length", message, event_id });
        }
        this.session = merged(this.session, message.session) as RealtimeSessionCreateRequest;
        return this.send({ type: "session.updated", session: this.session });
      case "input_audio_buffer.append":
        return this.#hear(Uint8Array.fromBase64(message.audio));
      case "input_audio_buffer.commit":
        if (this.#bufferedMs < 100) {
          const code = "input_audio_buffer_commit_empty";
          return this.#fail({ code, message: "the buffer has 0 ms of audio", event_id });
        }
        return this.#commit(this.id("item"));
      case "input_audio_buffer.clear":
        this.#bufferedMs = 0;
        return this.send({ type: "input_audio_buffer.cleared" });
      case "conversation.item.create":
        return this.#create(message);
      case "conversation.item.delete":
        return this.#delete(message.item_id, event_id);
      case "conversation.item.truncate":
        return this.#truncate(message);
      case "response.create":
        return this.respond(message);
      case "response.cancel":
        if (!this.#active) {
          const code = "response_cancel_not_active";
          return this.#fail({ code, message: "no active response found", event_id });
        }
        return this.#active.cancel("client_cancelled");
    }
  }

  /** Begins a response: asked for, or of its own accord. */
  respond({ response, event_id }: Extract<RealtimeClientEvent, { type: "response.create" }>): void {
    if (this.#active) {
      const code = "conversation_already_has_active_response";
      const message = `Conversation already has an active response: ${this.#active.id}`;
      return this.#fail({ code, message, event_id });
    }
    const step = this.#script.shift() ?? { text: "" };
    this.#active = new ServiceResponse(this, step, response?.metadata ?? null, () => {
      this.#active = undefined;
    });
    this.#active.begin();
  }

  #fail({ event_id, ...rest }: ErrorDetails): void {
    const error = {
      type: "invalid_request_error",
      param: null,
      event_id: event_id ?? null,
      ...rest,
    };
    this.send({ type: "error", error });
  }

  #create(
    { item, event_id, previous_item_id }: Extract<
      RealtimeClientEvent,
      { type: "conversation.item.create" }
    >,
  ): void {
    const before = previous_item_id && this.items.findIndex(({ id }) => id === previous_item_id);
    if (before === -1) {
      const message = `Previous item with ID '${previous_item_id}' not found.`;
      return this.#fail({ code: "item_create_invalid_previous_item_id", message, event_id });
    }
    const isKnown = item.type !== "function_call_output" ||
      this.items.some((one) => one.type === "function_call" && one.call_id === item.call_id);
    if (!isKnown) {
      const message = `Tool call ID '${item.call_id}' not found in conversation.`;
      return this.#fail({ code: "invalid_tool_call_id", message, event_id });
    }
    const whole = { id: this.id("item"), ...item, status: "completed" } as ConversationItem;
    this.add(whole);
    if (typeof before !== "number") return;
    this.items.pop();
    this.items.splice(before + 1, 0, whole);
  }

  #delete(item_id: string, event_id: string | undefined): void {
    const index = this.items.findIndex(({ id }) => id === item_id);
    if (index < 0) {
      const code = "item_delete_invalid_item_id";
      return this.#fail({ code, message: `Item '${item_id}' not found.`, event_id });
    }
    this.items.splice(index, 1);
    this.send({ type: "conversation.item.deleted", item_id });
  }

  #truncate(
    { item_id, content_index, audio_end_ms, event_id }: Extract<
      RealtimeClientEvent,
      { type: "conversation.item.truncate" }
    >,
  ): void {
    const item = this.items.find(({ id }) => id === item_id);
    const audioMs = ServiceResponse.audioMs.get(item_id) ?? 0;
    if (item?.type !== "message" || item.role !== "assistant" || audioMs === 0 || !audio_end_ms) {
      const message = "Only model output audio messages can be truncated";
      return this.#fail({ code: "unsupported_content_type", message, event_id });
    }
    if (audio_end_ms > audioMs) {
      const message = `Audio content of ${audioMs}ms is already shorter than ${audio_end_ms}ms`;
      return this.#fail({ code: "invalid_value", message, event_id });
    }
    this.send({ type: "conversation.item.truncated", item_id, content_index, audio_end_ms });
  }

  /** Detects turns by loudness, as its server VAD. */
  #hear(bytes: Uint8Array): void {
    const ms = bytes.length / BYTES_PER_MS;
    const samples = new Int16Array(bytes.slice().buffer);
    const isLoud = samples.some((one) => Math.abs(one) > LOUD);
    this.#totalMs += ms;
    this.#bufferedMs += ms;
    const detection = this.session.audio?.input?.turn_detection;
    if (!detection) return;
    this.#soundMs = isLoud ? this.#soundMs + ms : this.#speakingItem ? this.#soundMs : 0;
    this.#silenceMs = isLoud ? 0 : this.#silenceMs + ms;
    if (!this.#speakingItem && this.#soundMs >= SPEECH_MS) {
      const item_id = this.#speakingItem = this.id("item");
      const audio_start_ms = this.#totalMs - this.#soundMs;
      this.send({ type: "input_audio_buffer.speech_started", audio_start_ms, item_id });
      if (detection.interrupt_response !== false) this.#active?.cancel("turn_detected");
    } else if (this.#speakingItem && this.#silenceMs >= SILENCE_MS) {
      const item_id = this.#speakingItem;
      const audio_end_ms = this.#totalMs;
      this.send({ type: "input_audio_buffer.speech_stopped", audio_end_ms, item_id });
      this.#commit(item_id);
      if (detection.create_response !== false) this.respond({ type: "response.create" });
    }
  }

  #commit(id: string): void {
    this.#speakingItem = undefined;
    this.#bufferedMs = this.#soundMs = 0;
    const previous_item_id = this.items.at(-1)?.id ?? null;
    this.send({ type: "input_audio_buffer.committed", item_id: id, previous_item_id });
    const transcript = this.#heard.shift() ?? "";
    const content = [{ type: "input_audio" as const, transcript }];
    this.add({ id, type: "message", role: "user", status: "completed", content });
    if (!this.session.audio?.input?.transcription) return;
    const part = { item_id: id, content_index: 0 };
    const type = "conversation.item.input_audio_transcription" as const;
    this.send({ type: `${type}.delta`, ...part, delta: transcript });
    const usage = { type: "duration" as const, seconds: 1 };
    this.send({ type: `${type}.completed`, ...part, transcript, usage });
  }
}

/** Objects are merged, other values replaced. */
function merged(old: object, change: object): object {
  const result: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(change)) {
    const before = result[key];
    const isObject = (one: unknown) =>
      typeof one === "object" && one !== null && !Array.isArray(one);
    result[key] = isObject(before) && isObject(value) ? merged(before as object, value) : value;
  }
  return result;
}
