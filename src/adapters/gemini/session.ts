/** A session with Gemini Live. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Channel } from "../../events/channel.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { ChatMessage, ToolImage } from "../../inference/contracts/messages.ts";
import type {
  RealtimeEvent,
  RealtimeReplyRequest,
  RealtimeReplyStatus,
  RealtimeSession,
} from "../../inference/contracts/realtime_llm.ts";
import { REALTIME_LIMITS } from "../../inference/contracts/realtime_limits.ts";
import type { ToolResult } from "../../inference/contracts/tool.ts";
import { PcmBytes } from "../service/pcm_bytes.ts";
import { base64Of } from "../streaming/bytes.ts";
import type { ServiceSocket, ServiceSocketInit } from "../streaming/service_socket.ts";
import {
  durationMs,
  readServerMessage,
  type ServerContent,
  type ServerMessage,
  type ServerToolCall,
  type ServerUsage,
} from "./messages.ts";
import { INPUT_RATE, responseOf, turnsOf } from "./settings.ts";

const NAME = "gemini-live";
/** The rate of the service's audio, where it does not say so. */
const OUTPUT_RATE = 24_000;
/** The codes with which the service closes a socket whose settings or messages are wrong. */
const WRONG = [1007, 1008];
/** A call of a tool that the model wrote wrongly: it may be asked again. */
const MALFORMED_CALL = "MALFORMED_FUNCTION_CALL";
/** The model has nothing to say yet. */
const NEEDS_INPUT = "NEED_MORE_INPUT";

/** A reply: the service has no ids of them. */
interface Reply {
  readonly id: string;
  sampleRate: number;
  pcm: PcmBytes;
}

/** A session over a WebSocket. */
export class GeminiLiveSession implements RealtimeSession {
  readonly #socket: ServiceSocket;
  readonly #events = new Channel<RealtimeEvent>();
  readonly #begun = Promise.withResolvers<void>();
  readonly #toolNames = new Map<string, string>();
  /** The calls that the service has given up, as a person spoke: it waits for no results of them. */
  readonly #cancelledCalls = new Set<string>();
  #reply: Reply | undefined;
  /** The reply in progress, if it was told to stop. */
  #stopped: Reply | undefined;
  #requestId: string | undefined;
  /** Whether results of tools were sent, on which the model goes on by itself. */
  #goesOn = false;
  /** Whether a reply was interrupted whose turn the service has not completed. */
  #isCompleting = false;
  #isSpeaking = false;
  #heard = { id: "turn-0", final: "", interim: "" };
  #turns = 0;
  #count = 0;
  #droppedMs = 0;
  /** Tokens that belong to no reply that has ended yet. */
  #usage: { inputTokens: number; outputTokens: number } | undefined;
  #isOver = false;

  constructor(
    connect: (events: Pick<ServiceSocketInit, "onMessage" | "onLost">) => ServiceSocket,
  ) {
    this.#begun.promise.catch(() => {});
    this.#socket = connect({
      onMessage: (data) => this.#receive(data),
      onLost: (error, code) => this.#lost(error, code),
    });
  }

  /** Sends the session's settings and the conversation so far. */
  async begin(setup: object, history: readonly ChatMessage[]): Promise<void> {
    this.#send(setup);
    await this.#begun.promise;
    const turns = history.flatMap(turnsOf);
    if (turns.length > 0) this.#send({ clientContent: { turns, turnComplete: true } });
  }

  [Symbol.asyncIterator](): AsyncIterator<RealtimeEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#events.end();
    await this.#socket[Symbol.asyncDispose]();
  }

  sendAudio({ samples, durationMs }: PcmChunk): void {
    if (this.#socket.bufferedBytes > REALTIME_LIMITS.maxBufferedBytes) {
      this.#droppedMs += durationMs;
      if (this.#droppedMs < REALTIME_LIMITS.maxDroppedMs) return;
      const options = { code: "cut-off", retryable: true };
      this.#lost(new InferenceError(`${NAME}: the socket takes no audio`, options));
      return void this.#socket[Symbol.asyncDispose]();
    }
    this.#droppedMs = 0;
    const data = base64Of(samples);
    this.#send({ realtimeInput: { audio: { data, mimeType: `audio/pcm;rate=${INPUT_RATE}` } } });
  }

  sendImage({ mediaType: mimeType, data }: ToolImage): void {
    this.#send({ realtimeInput: { video: { data: data.toBase64(), mimeType } } });
  }

  sendText(
    text: string,
    { name, role = "user" }: { name?: string; role?: "user" | "assistant" },
  ): void {
    const turns = turnsOf(role === "user" ? { role, text, name } : { role, text });
    this.#send({ clientContent: { turns, turnComplete: false } });
  }

  sendToolResult(callId: string, { text, isError, images = [] }: ToolResult): void {
    // The model goes on with the result, which has no place for them.
    for (const image of images) this.sendImage(image);
    const name = this.#toolNames.get(callId) ?? "";
    this.#toolNames.delete(callId);
    if (this.#cancelledCalls.delete(callId)) {
      // What the tool did is worth knowing all the same.
      const outcome = isError ? "failed" : "returned";
      return this.sendText(`[${name}, which you no longer waited for, ${outcome}: ${text}]`, {});
    }
    this.#goesOn = true;
    this.#send({ toolResponse: { functionResponses: [responseOf(callId, name, text, isError)] } });
  }

  requestReply({ id, say }: RealtimeReplyRequest): void {
    this.#requestId = id;
    if (say === undefined && this.#goesOn) return;
    const text = `Say exactly the following, word for word, and nothing else: ${say}`;
    const turns = say === undefined ? [] : [{ role: "user", parts: [{ text }] }];
    this.#send({ clientContent: { turns, turnComplete: true } });
  }

  interrupt(replyId: string, _heardMs: number): void {
    const reply = this.#reply;
    if (reply?.id !== replyId || this.#stopped === reply) return;
    this.#stopped = reply;
    // Any content of this side ends what is being generated; there is no word for that alone.
    this.#send({ clientContent: { turns: [], turnComplete: false } });
  }

  /** The service replies by itself to what it has heard until now. */
  commitTurn(): void {
    this.#send({ realtimeInput: { audioStreamEnd: true } });
    this.#isSpeaking = false;
    this.#events.push({ type: "speech-stopped" });
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  #lost(error: InferenceError, code = 0): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const options = { code: "refused", retryable: false, cause: error };
    const why = WRONG.includes(code) ? new InferenceError(error.message, options) : error;
    this.#begun.reject(why);
    this.#events.fail(why);
  }

  #receive(data: string | Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#take(readServerMessage(data));
    } catch (cause) {
      const options = { code: "malformed", cause };
      const error = new InferenceError(`${NAME}: cannot read a message of the service`, options);
      this.#events.push({ type: "error", error });
    }
  }

  #take(message: ServerMessage): void {
    const { setupComplete, serverContent, toolCall, voiceActivity, goAway } = message;
    if (message.usageMetadata) this.#used(message.usageMetadata);
    if (setupComplete) this.#begun.resolve();
    if (voiceActivity?.voiceActivityType === "ACTIVITY_START") this.#speechStarted();
    if (voiceActivity?.voiceActivityType === "ACTIVITY_END") this.#speechStopped();
    if (serverContent) this.#content(serverContent);
    if (toolCall) this.#calls(toolCall);
    for (const id of message.toolCallCancellation?.ids ?? []) {
      if (this.#toolNames.has(id)) this.#cancelledCalls.add(id);
    }
    if (goAway) {
      this.#events.push({ type: "session-ending", timeLeftMs: durationMs(goAway.timeLeft) });
    }
  }

  #content(content: ServerContent): void {
    const { interimInputTranscription: interim, inputTranscription: input } = content;
    const { modelTurn, outputTranscription: output } = content;
    if (interim) this.#hear({ ...this.#heard, interim: interim.text });
    if (input) {
      const heard = { ...this.#heard, final: this.#heard.final + input.text, interim: "" };
      if (!input.finished) this.#hear(heard);
      else {
        this.#heard = heard;
        this.#transcribed();
      }
    }
    if (modelTurn) {
      const reply = this.#replying();
      for (const { inlineData } of modelTurn.parts) if (inlineData) this.#sound(reply, inlineData);
    }
    if (output && output.text !== "") {
      this.#events.push({ type: "text", replyId: this.#replying().id, text: output.text });
    }
    if (content.interrupted) this.#interrupted();
    if (content.turnComplete) this.#completed(content.turnCompleteReason);
  }

  /** The service counts beside what ends a reply, or after it: then the next one has the tokens. */
  #used(
    { promptTokenCount, toolUsePromptTokenCount, responseTokenCount, thoughtsTokenCount }:
      ServerUsage,
  ): void {
    const { inputTokens = 0, outputTokens = 0 } = this.#usage ?? {};
    this.#usage = {
      inputTokens: inputTokens + promptTokenCount + toolUsePromptTokenCount,
      outputTokens: outputTokens + responseTokenCount + thoughtsTokenCount,
    };
  }

  #sound(reply: Reply, { data, mimeType }: { data: string; mimeType: string }): void {
    if (!mimeType.startsWith("audio/")) return;
    const sampleRate = Number(/rate=(\d+)/.exec(mimeType)?.[1] ?? OUTPUT_RATE);
    if (sampleRate !== reply.sampleRate) {
      reply.sampleRate = sampleRate;
      reply.pcm = new PcmBytes(sampleRate);
    }
    const pcm = reply.pcm.push(Uint8Array.fromBase64(data));
    if (pcm.frames > 0) this.#events.push({ type: "audio", replyId: reply.id, pcm });
  }

  #speechStarted(): void {
    if (this.#isSpeaking) return;
    this.#isSpeaking = true;
    this.#events.push({ type: "speech-started" });
  }

  #speechStopped(): void {
    if (!this.#isSpeaking) return;
    this.#isSpeaking = false;
    this.#events.push({ type: "speech-stopped" });
  }

  #hear(heard: { id: string; final: string; interim: string }): void {
    this.#heard = heard;
    const text = heard.final + heard.interim;
    if (text === "") return;
    this.#speechStarted();
    this.#events.push({ type: "user-transcript", id: heard.id, text, final: false });
  }

  /** What was said is complete: the service says so, or begins to reply. */
  #transcribed(): void {
    const { id, final, interim } = this.#heard;
    this.#heard = { id: `turn-${++this.#turns}`, final: "", interim: "" };
    const text = final + interim;
    if (text !== "") this.#events.push({ type: "user-transcript", id, text, final: true });
  }

  /** Returns the reply in progress, which begins with its first content. */
  #replying(): Reply {
    if (this.#reply) return this.#reply;
    this.#transcribed();
    this.#speechStopped();
    this.#isCompleting = false;
    this.#goesOn = false;
    const id = `reply-${++this.#count}`;
    const requestId = this.#requestId;
    this.#requestId = undefined;
    this.#events.push({ type: "reply-started", replyId: id, requestId });
    return this.#reply = { id, sampleRate: OUTPUT_RATE, pcm: new PcmBytes(OUTPUT_RATE) };
  }

  #calls({ functionCalls }: ServerToolCall): void {
    const { id: replyId } = this.#replying();
    for (const { id, name, args = {} } of functionCalls) {
      const isWhole = typeof args === "object" && !Array.isArray(args);
      this.#toolNames.set(id, name);
      this.#events.push({
        type: "tool-call",
        replyId,
        call: { id, name, input: (isWhole ? args ?? {} : {}) as JsonValue },
        ...isWhole ? {} : { fault: "the arguments are no object" },
      });
    }
    // The service waits for the results, and says more after them: for the agent that is another.
    this.#end("completed");
  }

  #interrupted(): void {
    this.#isCompleting = true;
    if (this.#reply) this.#end("cancelled");
    // A reply is interrupted by a person who speaks, unless this side has stopped it.
    else this.#speechStarted();
  }

  #completed(reason: string): void {
    if (this.#isCompleting) {
      this.#isCompleting = false;
      return;
    }
    if (!this.#reply) return this.#nothing(reason);
    if (reason === "" || reason === NEEDS_INPUT || reason.endsWith("UNSPECIFIED")) {
      return this.#end(this.#stopped === this.#reply ? "cancelled" : "completed");
    }
    if (reason !== MALFORMED_CALL) return this.#end("incomplete", { reason });
    const message = `${NAME}: the model called a tool wrongly`;
    this.#end("failed", { error: new InferenceError(message, { code: reason, retryable: true }) });
  }

  /** A turn was complete without a reply: what was asked for does not come. */
  #nothing(reason: string): void {
    this.#goesOn = false;
    const requestId = this.#requestId;
    if (requestId === undefined) return;
    this.#requestId = undefined;
    const message = `${NAME}: the model did not reply${reason === "" ? "" : `: ${reason}`}`;
    const error = new InferenceError(message, { code: reason || "no-reply", retryable: true });
    this.#events.push({ type: "reply-refused", requestId, error });
  }

  #end(status: RealtimeReplyStatus, more: { reason?: string; error?: InferenceError } = {}): void {
    const reply = this.#reply!;
    this.#reply = undefined;
    this.#stopped = undefined;
    const usage = this.#usage ? { usage: this.#usage } : {};
    this.#usage = undefined;
    this.#events.push({ type: "reply-ended", replyId: reply.id, status, ...usage, ...more });
  }
}
