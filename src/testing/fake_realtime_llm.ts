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
  /** What it understands. */
  heard?: string;
  /** What it answers: 50 ms of sound a character. */
  answer: string;
  /** A tool that it calls before it answers; the answer ends with the result. */
  call?: { name: string; input: Record<string, string> };
}

const MS_PER_CHAR = 50;
const TURN_SILENCE_MS = 400;
const MIN_SPEECH_MS = 100;

/** A realtime model that follows a script: a turn is 100 ms of sound and 400 ms of silence. */
export class FakeRealtimeLLM implements RealtimeLLM {
  /** For messages. */
  readonly name = "fake-realtime";
  /** Samples a second that it hears. */
  readonly inputRate = 24_000;
  /** Whether it is shown pictures. */
  acceptsImages = false;
  /** All sessions that were begun, the last one last. */
  readonly sessions: FakeRealtimeSession[] = [];
  /** Thrown by the next connections, one each. */
  readonly refusals: unknown[] = [];
  readonly #clock: Clock;
  readonly #script: FakeExchange[];

  /** Takes one exchange after another. */
  constructor(clock: Clock, script: readonly FakeExchange[] = []) {
    checkClock(clock);
    this.#clock = clock;
    this.#script = [...script];
  }

  /** Begins a session, or refuses. */
  connect(options: RealtimeSessionOptions): Promise<RealtimeSession> {
    const refusal = this.refusals.shift();
    if (refusal) return Promise.reject(refusal);
    const session = new FakeRealtimeSession(this.#clock, this.#script, options);
    this.sessions.push(session);
    return Promise.resolve(session);
  }
}

/** A session with a {@linkcode FakeRealtimeLLM}. */
export class FakeRealtimeSession implements RealtimeSession {
  /** Milliseconds of sound, not silence, that it heard. */
  heardSoundMs = 0;
  /** What it was told of interruptions. */
  readonly interruptions: { replyId: string; heardMs: number }[] = [];
  /** What it was shown. */
  readonly images: EncodedImage[] = [];
  /** What it was told in writing. */
  readonly texts: string[] = [];
  readonly #events = new Channel<RealtimeEvent>();
  readonly #clock: Clock;
  readonly #script: FakeExchange[];
  readonly #waiting = new Map<string, FakeExchange>();
  #speechMs = 0;
  #silenceMs = 0;
  #speaking = false;
  #made = 0;

  /** Made by `connect`. */
  constructor(
    clock: Clock,
    script: FakeExchange[],
    readonly options: RealtimeSessionOptions,
  ) {
    this.#clock = clock;
    this.#script = script;
  }

  /** What it does. */
  [Symbol.asyncIterator](): AsyncIterator<RealtimeEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Ends the session. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#events.end();
    return Promise.resolve();
  }

  /** Loses the session. */
  lose(): void {
    this.#events.fail(new Error("the socket was closed"));
  }

  /** Hears. */
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

  /** Sees. */
  sendImage(image: EncodedImage): void {
    this.images.push(image);
  }

  /** Replies with this text. */
  say(text: string): void {
    this.#answer(text);
  }

  /** Reads. */
  sendText(text: string, { generateReply }: { generateReply: boolean }): void {
    this.texts.push(text);
    if (generateReply) this.#exchange();
  }

  /** Goes on with a result. */
  sendToolResult(callId: string, { text }: { text: string }): void {
    const exchange = this.#waiting.get(callId);
    if (exchange) this.#answer(`${exchange.answer} ${text}`);
  }

  /** Takes note. */
  interrupt(replyId: string, heardMs: number): void {
    this.interruptions.push({ replyId, heardMs });
  }

  #exchange(): void {
    const exchange = this.#script.shift();
    if (!exchange) return;
    const id = `turn-${++this.#made}`;
    const { heard = "", call } = exchange;
    if (heard) this.#events.push({ type: "user-transcript", id, text: heard, final: true });
    if (!call) return this.#answer(exchange.answer);
    this.#waiting.set(id, exchange);
    this.#events.push({ type: "tool-call", call: { id, ...call } });
  }

  #answer(text: string): void {
    const replyId = `answer-${++this.#made}`;
    // After whatever is being handled, as an answer from elsewhere comes.
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
