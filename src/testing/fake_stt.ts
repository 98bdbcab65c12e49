import { checkClock, type Clock } from "../events/clock.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { STT, TranscribeOptions, Transcript } from "../inference/contracts/stt.ts";
import { sleep } from "../events/waiting.ts";

/** The transcript of one speech segment by a {@linkcode FakeSTT}. */
export interface FakeTranscript {
  /** The final text. */
  text: string;
  /** Partial transcripts, after so much audio. */
  partials?: { afterMs: number; text: string }[];
  /** Milliseconds from the end of the audio to the final text. Default 0. */
  delayMs?: number;
  /** Thrown instead of a final text. */
  error?: unknown;
  /** Whether it hangs and never returns a final text. */
  hangs?: boolean;
}

/** Speech to text that follows a script, in a clock's time, and measures its audio. */
export class FakeSTT implements STT {
  /** The name in messages. */
  readonly name = "fake-stt";
  /** The speech segments so far. */
  readonly segments: { speakerId: string; audioMs: number }[] = [];
  readonly #clock: Clock;
  readonly #script: Map<string, (string | FakeTranscript)[]>;

  /**
   * Creates a transcriber.
   *
   * @param script one entry for each speech segment of any speaker, or a list for each speaker; later
   *   segments have empty transcripts
   */
  constructor(
    clock: Clock,
    script: readonly (string | FakeTranscript)[] | {
      readonly [speakerId: string]: readonly (string | FakeTranscript)[];
    } = [],
  ) {
    checkClock(clock);
    this.#clock = clock;
    const lists = Array.isArray(script) ? { "": script } : script;
    this.#script = new Map(Object.entries(lists).map(([id, list]) => [id, [...list]]));
  }

  /** Transcribes as the script says. */
  async *transcribe(
    audio: AsyncIterable<PcmChunk>,
    { signal, speakerId = "" }: TranscribeOptions,
  ): AsyncGenerator<Transcript, void, void> {
    const list = this.#script.get(speakerId) ?? this.#script.get("");
    const entry = list?.shift() ?? "";
    const { text, partials = [], delayMs = 0, error, hangs } = typeof entry === "string"
      ? { text: entry } as FakeTranscript
      : entry;
    const segment = { speakerId, audioMs: 0 };
    this.segments.push(segment);
    const waiting = [...partials];
    for await (const pcm of audio) {
      signal.throwIfAborted();
      segment.audioMs += pcm.durationMs;
      while (waiting[0] && segment.audioMs >= waiting[0].afterMs) {
        yield { text: waiting.shift()!.text, final: false };
      }
    }
    await sleep(hangs ? Infinity : delayMs, { clock: this.#clock, signal });
    if (error) throw error;
    yield { text, final: true };
  }
}
