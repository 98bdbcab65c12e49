/** ElevenLabs' recogniser, at `/v1/speech-to-text/realtime`. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import { base64Of } from "../streaming/bytes.ts";
import { Commits, type SttCodec, type SttIo } from "../streaming/stt_session.ts";
import { readScribe, type ScribeMessage, statedError } from "./messages.ts";

/** The service commits within a fraction of this. */
const COMMIT_LIMIT_MS = 2000;
/** Audio is sent in pieces of this: each is a message with a text around it. */
const PIECE_MS = 100;
/** A commit of less audio than this is refused. */
const MIN_COMMIT_MS = 300;

/** What the service says that it need not be told twice. */
const IDLE = ["insufficient_audio_activity", "session_time_limit_exceeded"];

/** Options for a {@linkcode ScribeCodec}. */
export interface ScribeCodecInit {
  readonly sampleRate: number;
  /** Whether the committed text is awaited once more, with the times of its words or its language. */
  readonly hasTimes: boolean;
}

/** The messages of one connection to the recogniser. */
export class ScribeCodec implements SttCodec {
  readonly #name: string;
  readonly #io: SttIo;
  readonly #options: ScribeCodecInit;
  readonly #commits: Commits;
  /** Samples that are not sent yet. */
  readonly #waiting = new SampleFifo(0, { whenFull: "grow" });
  /** Milliseconds of audio after the last commit. */
  #openMs = 0;

  constructor(name: string, io: SttIo, options: ScribeCodecInit) {
    this.#name = name;
    this.#io = io;
    this.#options = options;
    this.#commits = new Commits(io);
  }

  get isOwed(): boolean {
    return this.#openMs > 0 || this.#commits.count > 0;
  }

  sendAudio({ samples, durationMs }: PcmChunk): void {
    this.#openMs += durationMs;
    this.#waiting.push(samples);
    if (this.#waiting.length * 1000 >= PIECE_MS * this.#options.sampleRate) this.#send(false);
  }

  commit(): void {
    if (this.#openMs === 0) {
      if (this.#commits.count === 0) return this.#io.emit({ type: "committed" });
    } else if (this.#openMs < MIN_COMMIT_MS) {
      const { sampleRate } = this.#options;
      const ms = MIN_COMMIT_MS - this.#openMs;
      this.#waiting.push(new Int16Array(Math.round(ms * sampleRate / 1000)));
    }
    this.#openMs = 0;
    this.#commits.add(COMMIT_LIMIT_MS);
    this.#send(true);
  }

  end(): void {
    // The service has no word for the end; it is over with the text of the last commit.
    if (this.#openMs > 0) this.commit();
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return;
    const message = readScribe(data);
    const { message_type: type, text, error } = message;
    switch (type) {
      case "partial_transcript":
        return this.#emit(message, false);
      case "committed_transcript":
        return this.#options.hasTimes ? undefined : this.#committed(message);
      case "committed_transcript_with_timestamps":
        // The service may send it unasked.
        return this.#options.hasTimes ? this.#committed(message) : undefined;
      case "commit_throttled":
        // There was too little to commit.
        return this.#commits.settle();
      default:
        if (error === "" || IDLE.includes(type) && !this.isOwed) return;
        return this.#io.fail(statedError(this.#name, type, error || text));
    }
  }

  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
  }

  #committed(message: ScribeMessage): void {
    this.#emit(message, true);
    this.#commits.settle();
  }

  #emit({ text, language_code: language, words }: ScribeMessage, final: boolean): void {
    if (text === "") return;
    this.#io.emit({
      type: "transcript",
      text,
      final,
      ...language ? { language } : {},
      words: words.flatMap(({ text, start, end, type }) => {
        if (type === "spacing" || typeof start !== "number" || typeof end !== "number") return [];
        return [{ text, startMs: 1000 * start, endMs: 1000 * end }];
      }),
    });
  }

  #send(commit: boolean): void {
    const samples = new Int16Array(this.#waiting.length);
    this.#waiting.shift(samples);
    this.#io.send(JSON.stringify({
      message_type: "input_audio_chunk",
      audio_base_64: base64Of(samples),
      commit,
      sample_rate: this.#options.sampleRate,
    }));
  }
}
