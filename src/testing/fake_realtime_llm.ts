import { checkClock, type Clock } from "../events/clock.ts";
import type { EncodedImage } from "../inference/contracts/messages.ts";
import type {
  RealtimeEvent,
  RealtimeLLM,
  RealtimeSession,
  RealtimeSessionOptions,
} from "../inference/contracts/realtime_llm.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { rms } from "../audio/level.ts";
import { Channel } from "../events/channel.ts";

/** One exchange with a {@linkcode FakeRealtimeLLM}. */
export interface FakeExchange {
  /** The transcript of the user. */
  heard?: string;
  /** The reply: 50 ms of audio per character. */
  reply: string;
  /** A tool that it calls before the reply; the reply ends with the result. */
  call?: { name: string; input: Record<string, string> };
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
    const error = this.connectErrors.shift();
    if (error) return Promise.reject(error);
    const session = new FakeRealtimeSession(this.#clock, this.#script, options);
    this.sessions.push(session);
    return Promise.resolve(session);
  }
}

/** A session with a {@linkcode FakeRealtimeLLM}. */
export class FakeRealtimeSession implements RealtimeSession {
  /** Milliseconds of speech that it received, without silence. */
  heardSoundMs = 0;
  /** The interruptions that it received. */
  readonly interruptions: { replyId: string; heardMs: number }[] = [];
  /** The images that it received. */
  readonly images: EncodedImage[] = [];
  /** The texts that it received. */
  readonly texts: string[] = [];
  readonly #events = new Channel<RealtimeEvent>();
  readonly #clock: Clock;
  readonly #script: FakeExchange[];
  readonly #waiting = new Map<string, FakeExchange>();
  #speechMs = 0;
  #silenceMs = 0;
  #speaking = false;
  #count = 0;

  /** Sessions come from `connect`. */
  constructor(
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
    this.#events.end();
    return Promise.resolve();
  }

  /** Breaks the session off with an error. */
  lose(): void {
    this.#events.fail(new Error("the socket was closed"));
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
    } else if (this.#speaking && this.#silenceMs >= TURN_SILENCE_MS) {
      this.#speaking = false;
      this.#speechMs = 0;
      this.#events.push({ type: "speech-stopped" });
      this.#exchange();
    }
  }

  /** Receives an image. */
  sendImage(image: EncodedImage): void {
    this.images.push(image);
  }

  /** Says this text. */
  say(text: string): void {
    this.#reply(text);
  }

  /** Receives text. */
  sendText(text: string, { generateReply }: { generateReply: boolean }): void {
    this.texts.push(text);
    if (generateReply) this.#exchange();
  }

  /** Continues with the result of a tool. */
  sendToolResult(callId: string, { text }: { text: string }): void {
    const exchange = this.#waiting.get(callId);
    if (exchange) this.#reply(`${exchange.reply} ${text}`);
  }

  /** Records an interruption. */
  interrupt(replyId: string, heardMs: number): void {
    this.interruptions.push({ replyId, heardMs });
  }

  #exchange(): void {
    const exchange = this.#script.shift();
    if (!exchange) return;
    const id = `turn-${++this.#count}`;
    const { heard = "", call } = exchange;
    if (heard) this.#events.push({ type: "user-transcript", id, text: heard, final: true });
    if (!call) return this.#reply(exchange.reply);
    this.#waiting.set(id, exchange);
    this.#events.push({ type: "tool-call", call: { id, ...call } });
  }

  #reply(text: string): void {
    const replyId = `answer-${++this.#count}`;
    // Later, as the reply of a service arrives.
    this.#clock.schedule(() => {
      for (const word of text.match(/\S+\s*/g) ?? []) {
        this.#events.push({ type: "text", replyId, text: word });
        const samples = new Int16Array(24 * MS_PER_CHAR * word.length);
        for (let n = 0; n < samples.length; n++) {
          samples[n] = (2000 + 300 * word.charCodeAt(0) % 5000) * Math.sin(n / 12);
        }
        const pcm = new PcmChunk(samples, { sampleRate: 24_000 });
        this.#events.push({ type: "audio", replyId, pcm });
      }
      this.#events.push({ type: "reply-ended", replyId });
    }, 0);
  }
}
