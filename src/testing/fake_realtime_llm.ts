/** A realtime model for tests. @module */
import { checkClock, type Clock } from "../events/clock.ts";
import type { ToolImage } from "../inference/contracts/messages.ts";
import type {
  RealtimeEvent,
  RealtimeLLM,
  RealtimeReplyRequest,
  RealtimeReplyStatus,
  RealtimeSession,
  RealtimeSessionOptions,
} from "../inference/contracts/realtime_llm.ts";
import { InferenceError } from "../inference/contracts/errors.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { rms } from "../audio/level.ts";
import { Channel } from "../events/channel.ts";

/** One exchange with a {@linkcode FakeRealtimeLLM}. */
export interface FakeExchange {
  /** The transcript of the user. */
  heard?: string;
  /** The reply: 50 ms of audio per character. */
  reply: string;
  /**
   * A tool that it calls before the reply; the reply ends with the result. With a `fault` the call was
   * cut off.
   */
  call?: { name: string; input: Record<string, string>; fault?: string };
  /** How the reply ends. Default `"completed"`; `"failed"` comes without audio, and can be retried. */
  status?: RealtimeReplyStatus;
}

const MS_PER_CHAR = 50;
const TURN_SILENCE_MS = 400;
const MIN_SPEECH_MS = 100;

/** A realtime model that follows a script: a turn is 100 ms of speech and 400 ms of silence. */
export class FakeRealtimeLLM implements RealtimeLLM {
  /** The name in messages. */
  readonly name = "fake-realtime";
  /** The sample rate of its input. */
  readonly inputRate = 24_000;
  /** Whether it accepts images. */
  acceptsImages = false;
  /** Whether it can reply in text alone. */
  textOutput = false;
  /** Whether its sessions can be changed. */
  canUpdate = true;
  /** Milliseconds between the beginning of a reply and its text and audio. */
  replyMs = 0;
  /** Whether it notices that a person has stopped; if not, their turn has to be committed. */
  hearsSilence = true;
  /** All sessions, in order. */
  readonly sessions: FakeRealtimeSession[] = [];
  /** Errors of the next connections, one each. */
  readonly connectErrors: unknown[] = [];
  readonly #clock: Clock;
  readonly #script: FakeExchange[];

  /** Creates a model that plays one exchange after another. */
  constructor(clock: Clock, script: readonly FakeExchange[] = []) {
    checkClock(clock);
    this.#clock = clock;
    this.#script = [...script];
  }

  /** Starts a session, or rejects with the next of `connectErrors`. */
  connect(options: RealtimeSessionOptions): Promise<RealtimeSession> {
    if (options.signal.aborted) return Promise.reject(options.signal.reason);
    const error = this.connectErrors.shift();
    if (error) return Promise.reject(error);
    const session = new FakeRealtimeSession(this, this.#clock, this.#script, options);
    if (!this.canUpdate) session.update = undefined;
    this.sessions.push(session);
    return Promise.resolve(session);
  }
}

/** A session with a {@linkcode FakeRealtimeLLM}. */
export class FakeRealtimeSession implements RealtimeSession {
  /** Milliseconds of speech that it received, without silence. */
  heardSoundMs = 0;
  /** The interruptions that it received. */
  readonly interruptions: { replyId: string; heardMs: number; heardText?: string }[] = [];
  /** What it was told that the agent has said without it. */
  readonly assistantTexts: string[] = [];
  /** The instructions and the names of the tools of each change. */
  readonly updates: { instructions: string; tools: string[] }[] = [];
  /** Changes it, unless its model's sessions cannot be changed. */
  update?: RealtimeSession["update"] = ({ instructions, tools }) => {
    this.updates.push({ instructions, tools: tools.map(({ name }) => name) });
  };
  /** The images that it received. */
  readonly images: ToolImage[] = [];
  /** The texts that it received. */
  readonly texts: string[] = [];
  readonly #events = new Channel<RealtimeEvent>();
  readonly #clock: Clock;
  readonly #script: FakeExchange[];
  /** The texts that it was asked to say. */
  readonly said: string[] = [];
  /** The results of tools that it received. */
  readonly toolResults: { callId: string; text: string }[] = [];
  /** How many turns were committed. */
  commits = 0;
  readonly #waiting = new Map<string, FakeExchange>();
  /** What the next reply to the conversation tells. */
  readonly #due: FakeExchange[] = [];
  #speechMs = 0;
  #silenceMs = 0;
  #speaking = false;
  #replyId: string | undefined;
  #replyTimer: Disposable | undefined;
  #count = 0;

  /** Sessions come from `connect`. */
  constructor(
    readonly llm: Pick<FakeRealtimeLLM, "replyMs" | "hearsSilence">,
    clock: Clock,
    script: FakeExchange[],
    readonly options: RealtimeSessionOptions,
  ) {
    this.#clock = clock;
    this.#script = script;
  }

  /** Iterates over its events. */
  [Symbol.asyncIterator](): AsyncIterator<RealtimeEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Ends the session. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#replyTimer?.[Symbol.dispose]();
    this.#events.end();
    return Promise.resolve();
  }

  /** Emits an event, besides those of the script. */
  emit(event: RealtimeEvent): void {
    this.#events.push(event);
  }

  /** Breaks the session off with an error. */
  lose(): void {
    this.#replyTimer?.[Symbol.dispose]();
    this.#events.fail(new Error("the socket was closed"));
  }

  /** Ends the session after so many milliseconds. */
  expire(timeLeftMs: number): void {
    this.#events.push({ type: "session-ending", timeLeftMs });
    this.#clock.schedule(() => this.lose(), timeLeftMs);
  }

  /** Receives audio. */
  sendAudio(pcm: PcmChunk): void {
    const isSound = rms(pcm.samples) > 0.003;
    if (isSound) this.heardSoundMs += pcm.durationMs;
    this.#speechMs = isSound
      ? this.#speechMs + pcm.durationMs
      : this.#speaking
      ? this.#speechMs
      : 0;
    this.#silenceMs = isSound ? 0 : this.#silenceMs + pcm.durationMs;
    if (!this.#speaking && this.#speechMs >= MIN_SPEECH_MS) {
      this.#speaking = true;
      this.#events.push({ type: "speech-started" });
      // As services do.
      this.#end("cancelled");
    } else if (this.#speaking && this.#silenceMs >= TURN_SILENCE_MS && this.llm.hearsSilence) {
      this.#stop(false);
      this.#exchange();
    }
  }

  /** Receives an image. */
  sendImage(image: ToolImage): void {
    this.images.push(image);
  }

  /** Receives text. */
  sendText(text: string, { role }: { role?: "user" | "assistant" } = {}): void {
    (role === "assistant" ? this.assistantTexts : this.texts).push(text);
  }

  /** Receives the result of a tool. */
  sendToolResult(callId: string, { text }: { text: string }): void {
    this.toolResults.push({ callId, text });
    const exchange = this.#waiting.get(callId);
    this.#waiting.delete(callId);
    if (exchange) this.#due.push({ reply: `${exchange.reply} ${text}` });
  }

  /** Replies, or refuses where a reply is in progress, as services do. */
  requestReply({ id, say }: RealtimeReplyRequest): void {
    if (this.#replyId !== undefined) {
      const error = new InferenceError(`a reply is in progress: ${this.#replyId}`, {
        code: "busy",
        retryable: true,
      });
      return this.#events.push({ type: "reply-refused", requestId: id, error });
    }
    if (say === undefined) return this.#exchange(id);
    this.said.push(say);
    this.#reply({ reply: say }, id);
  }

  /** Ends the turn: a reply has to be asked for. */
  commitTurn(): void {
    this.commits++;
    if (this.#speaking) this.#stop(true);
  }

  /** Records an interruption, and ends the reply. */
  interrupt(replyId: string, heardMs: number, heardText?: string): void {
    const isText = this.options.output === "text";
    this.interruptions.push({ replyId, heardMs, ...isText ? { heardText } : {} });
    if (replyId === this.#replyId) this.#end("cancelled");
  }

  #stop(awaitsReply: boolean): void {
    this.#speaking = false;
    this.#speechMs = 0;
    this.#events.push({ type: "speech-stopped", awaitsReply });
  }

  /** Replies with what is due, or else with the next exchange of the script. */
  #exchange(requestId?: string): void {
    const exchange: FakeExchange = this.#due.shift() ?? this.#script.shift() ?? { reply: "" };
    const { heard = "" } = exchange;
    const id = `turn-${++this.#count}`;
    if (heard) this.#events.push({ type: "user-transcript", id, text: heard, final: true });
    // Where a person was heard and nothing is scripted, nothing happens.
    if (requestId !== undefined || exchange.reply || exchange.call) {
      this.#reply(exchange, requestId, id);
    }
  }

  #reply(exchange: FakeExchange, requestId?: string, callId = ""): void {
    this.#end("cancelled");
    const replyId = this.#replyId = `answer-${++this.#count}`;
    this.#events.push({ type: "reply-started", replyId, requestId });
    // Later, as the reply of a service arrives.
    this.#replyTimer = this.#clock.schedule(
      () => this.#generate(replyId, callId, exchange),
      this.llm.replyMs,
    );
  }

  #generate(
    replyId: string,
    id: string,
    { reply, call, status = "completed" }: FakeExchange,
  ): void {
    if (call) {
      const { fault, ...called } = call;
      if (fault === undefined) this.#waiting.set(id, { reply });
      this.#events.push({ type: "tool-call", replyId, call: { id, ...called }, fault });
      return this.#end(status);
    }
    const words = status === "failed" ? [] : reply.match(/\S+\s*/g) ?? [];
    for (const word of words) {
      this.#events.push({ type: "text", replyId, text: word });
      if (this.options.output === "text") continue;
      const samples = new Int16Array(24 * MS_PER_CHAR * word.length);
      for (let n = 0; n < samples.length; n++) {
        samples[n] = (2000 + 300 * word.charCodeAt(0) % 5000) * Math.sin(n / 12);
      }
      const pcm = new PcmChunk(samples, { sampleRate: 24_000 });
      this.#events.push({ type: "audio", replyId, pcm });
    }
    this.#end(status);
  }

  /** Ends the reply in progress, if there is one. */
  #end(status: RealtimeReplyStatus): void {
    const replyId = this.#replyId;
    if (replyId === undefined) return;
    this.#replyTimer?.[Symbol.dispose]();
    this.#replyId = undefined;
    const error = status === "failed"
      ? new InferenceError("the service failed", { code: "server_error", retryable: true })
      : undefined;
    this.#events.push({ type: "reply-ended", replyId, status, error });
  }
}
