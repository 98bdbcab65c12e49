import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { STT, Transcript } from "../contracts/stt.ts";
import { shown } from "../../events/checks.ts";
import { Channel } from "../../events/channel.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { timeoutError } from "../../events/waiting.ts";

/** More than a minute waiting for a recogniser is too old to be of use. */
const CAPACITY_MS = 60_000;

function checkTranscript(transcript: Transcript, name: string): Transcript {
  if (typeof transcript?.text === "string") return transcript;
  throw new TypeError(`${name} gave a transcript without a text: ${shown(transcript)}`);
}

/** What a {@linkcode SpeechSegment} is made of. */
export interface SpeechSegmentOptions {
  stt: STT;
  speakerId: string;
  clock: Clock;
  /** How long the text may take after the last sound. */
  limitMs: number;
  /** Told that there is more text, or that the text is final. */
  onText: () => void;
  report: (error: unknown, context: string) => void;
}

/** One stretch of speech on its way through the recogniser. */
export class SpeechSegment {
  /** What was understood so far. */
  text = "";
  /** Whether something was understood before the speaker had paused. */
  isAhead = false;
  /** Resolves when the text is final, or will not come any more. Never rejects. */
  readonly done: Promise<void>;
  readonly #options: SpeechSegmentOptions;
  readonly #audio = new Channel<PcmChunk>({
    capacity: CAPACITY_MS,
    sizeOf: (chunk) => chunk.durationMs,
  });
  readonly #controller = new AbortController();
  #limit: Disposable | undefined;
  #ended = false;

  constructor(options: SpeechSegmentOptions) {
    this.#options = options;
    this.done = this.#run();
  }

  /** Milliseconds that were dropped because the recogniser did not keep up. */
  get droppedMs(): number {
    return this.#audio.dropped;
  }

  push(pcm: PcmChunk): void {
    this.#audio.push(pcm.clone());
  }

  /** The speaker paused: no more audio follows. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#audio.end();
    const { clock, limitMs } = this.#options;
    this.#limit = clock.schedule(
      () => this.#controller.abort(timeoutError("a transcript", limitMs)),
      limitMs,
    );
    this.done.then(() => this.#limit?.[Symbol.dispose]());
  }

  /** Nobody wants the text any more. */
  abort(): void {
    this.#ended = true;
    this.#audio.end();
    this.#controller.abort(new DOMException("the transcript is not wanted", "AbortError"));
  }

  async #run(): Promise<void> {
    const { stt, speakerId, clock, onText, report } = this.#options;
    const { signal } = this.#controller;
    try {
      const transcripts = () => stt.transcribe(this.#audio, { signal, speakerId });
      const what = `${stt.name}.transcribe`;
      for await (const transcript of untilAborted(transcripts, what, signal, clock)) {
        const { text, final } = checkTranscript(transcript, stt.name);
        this.text = text.trim();
        if (!this.#ended && this.text !== "") this.isAhead = true;
        onText();
        if (final) return;
      }
    } catch (error) {
      const isUnwanted = signal.aborted && signal.reason?.name === "AbortError";
      if (!isUnwanted) report(error, `${stt.name}, transcribing`);
    } finally {
      this.#audio.end();
    }
  }
}
