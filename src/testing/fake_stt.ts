import { checkClock, type Clock } from "../events/clock.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { STT, TranscribeOptions, Transcript } from "../inference/contracts/stt.ts";
import { sleep } from "../events/waiting.ts";

/** What a {@linkcode FakeSTT} understands of one stretch of speech. */
export interface FakeTranscript {
  /** All of it. */
  text: string;
  /** What it understands on the way, after so much audio. */
  partials?: { afterMs: number; text: string }[];
  /** From the end of the audio to the final text, in milliseconds. Default 0. */
  delayMs?: number;
  /** Thrown instead of a final text. */
  error?: unknown;
  /** Never gives a final text. */
  hangs?: boolean;
}

/** Speech to text that follows a script, in a clock's time, and counts what it hears. */
export class FakeSTT implements STT {
  /** For messages. */
  readonly name = "fake-stt";
  /** What it was given, stretch by stretch. */
  readonly stretches: { speakerId: string; audioMs: number }[] = [];
  readonly #clock: Clock;
  readonly #script: Map<string, (string | FakeTranscript)[]>;

  /**
   * Has heard nothing yet.
   *
   * @param script one entry for each stretch of speech, whoever speaks, or a list for each speaker;
   *   what comes after the end is understood as nothing
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

  /** Follows the script. */
  async *transcribe(
    audio: AsyncIterable<PcmChunk>,
    { signal, speakerId = "" }: TranscribeOptions,
  ): AsyncGenerator<Transcript, void, void> {
    const list = this.#script.get(speakerId) ?? this.#script.get("");
    const entry = list?.shift() ?? "";
    const { text, partials = [], delayMs = 0, error, hangs } = typeof entry === "string"
      ? { text: entry } as FakeTranscript
      : entry;
    const stretch = { speakerId, audioMs: 0 };
    this.stretches.push(stretch);
    const waiting = [...partials];
    for await (const pcm of audio) {
      signal.throwIfAborted();
      stretch.audioMs += pcm.durationMs;
      while (waiting[0] && stretch.audioMs >= waiting[0].afterMs) {
        yield { text: waiting.shift()!.text, final: false };
      }
    }
    await sleep(hangs ? Infinity : delayMs, { clock: this.#clock, signal });
    if (error) throw error;
    yield { text, final: true };
  }
}
