import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { STT, Transcript } from "../contracts/stt.ts";
import { shown } from "../../events/checks.ts";
import { Channel } from "../../events/channel.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { timeoutError } from "../../events/waiting.ts";

/** Audio that waits for the recogniser longer than a minute is too old to be of use. */
const CAPACITY_MS = 60_000;

function checkTranscript(transcript: Transcript, name: string): Transcript {
  if (typeof transcript?.text === "string") return transcript;
  throw new TypeError(`${name} returned a transcript without a text: ${shown(transcript)}`);
}

/** Options for a {@linkcode SpeechSegment}. */
export interface SpeechSegmentOptions {
  stt: STT;
  speakerId: string;
  clock: Clock;
  /** How long the recogniser may take for the final text after the end of the audio. */
  limitMs: number;
  /** Called when there is more text, or the text is final. */
  onText: () => void;
  report: (error: unknown, context: string) => void;
}

/** A segment of speech, from a first sound to a pause, on its way through the recogniser. */
export class SpeechSegment {
  /** The text so far. */
  text = "";
  /** Whether the recogniser returned text before the audio ended. */
  hasInterimText = false;
  /** Resolves when the text is final, or no more of it will come. Never rejects. */
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

  /** Appends a copy of this audio. */
  push(pcm: PcmChunk): void {
    this.#audio.push(pcm.clone());
  }

  /** Ends the audio: the speaker paused. Idempotent. */
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

  /** Stops the recogniser: the text is not needed any more. */
  abort(): void {
    this.#ended = true;
    this.#audio.end();
    this.#controller.abort(new DOMException("the transcript is not needed", "AbortError"));
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
        if (!this.#ended && this.text !== "") this.hasInterimText = true;
        onText();
        if (final) return;
      }
    } catch (error) {
      const isAborted = signal.aborted && signal.reason?.name === "AbortError";
      if (!isAborted) report(error, `${stt.name}, transcribing`);
    } finally {
      this.#audio.end();
    }
  }
}
