/** The synthesis of one speech: its text goes to the voice as it comes, its audio comes back. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { ModelUsage, PipelineContext } from "../pipeline_context.ts";
import type { SpeechPart, TtsSession, TtsStream } from "../contracts/tts.ts";
import type { PlacedText } from "../text/placed_text.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { assertPcmChunk } from "../../audio/pcm_chunk.ts";
import { checkMethods, shown } from "../../events/checks.ts";
import { attempt, promiseIn } from "../../events/user_code.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { waitFor } from "../../events/waiting.ts";
import { InferenceError } from "../contracts/errors.ts";
import { SpeakableText } from "../text/speakable_text.ts";
import { hasWords } from "../contracts/words.ts";

/** A line that is not followed by more text for so long is spoken: a tool runs, or the model is slow. */
const FLUSH_AFTER_MS = 100;

/** Options for a {@linkcode SpeechSynthesis}. */
export interface SpeechSynthesisInit extends Pick<PipelineContext, "clock" | "report"> {
  /** The voice's name. */
  name: string;
  /** Returns the voice's session. */
  session: () => TtsSession;
  /** How long the voice may take for audio that it owes. */
  timeoutMs: number;
  /** Functions of a sentence, by which what is spoken differs from what is written. */
  changes: readonly ((sentence: string) => string)[];
  /** The text as it comes. */
  text: AsyncIterable<string>;
  speech: SpeechHandle;
  /** Counts what the voice is given. */
  usage: Pick<ModelUsage, "ttsCharacters">;
}

/** Has the voice say the text of one speech. */
export class SpeechSynthesis {
  readonly #init: SpeechSynthesisInit;
  readonly #text: SpeakableText;
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #opened = Promise.withResolvers<TtsStream | undefined>();
  #stream: TtsStream | undefined;
  /** What waits for the first word: marks alone cannot be spoken. */
  #held = "";
  #hasEnded = false;
  #textFailure: { error: unknown } | undefined;
  /** Whether words were sent since the voice last sent audio. */
  #hasNewWords = false;
  /** Whether the voice owes audio, and nothing else is waited for. */
  #owesAudio = false;
  #isPlaying = false;
  #audioTimer: Disposable | undefined;
  #quietTimer: Disposable | undefined;

  constructor(init: SpeechSynthesisInit) {
    this.#init = init;
    this.#signal = AbortSignal.any([init.speech.signal, this.#over.signal]);
    this.#text = new SpeakableText(init.changes);
  }

  /**
   * Returns the audio, and notes in the speech's text what it says.
   *
   * @throws what the text or the voice threw, when everything before it was spoken.
   */
  async *audio(): AsyncGenerator<PcmChunk, void, void> {
    const { clock } = this.#init;
    const signal = this.#signal;
    const sending = this.#sendAll();
    let isWhole = false;
    try {
      const stream = await waitFor(this.#opened.promise, "the text", { signal, clock });
      if (stream) yield* this.#read(stream);
      isWhole = true;
      await waitFor(sending, "the text", { signal, clock });
      if (this.#textFailure) throw this.#textFailure.error;
    } finally {
      this.#audioTimer?.[Symbol.dispose]();
      this.#quietTimer?.[Symbol.dispose]();
      const reason = signal.reason ?? new DOMException("the speech is not needed", "AbortError");
      if (!isWhole) attempt(() => this.#stream?.cancel(reason), () => {});
      this.#over.abort(reason);
    }
  }

  /** Sends the text as it comes; never rejects. */
  async #sendAll(): Promise<void> {
    const { text, clock, speech } = this.#init;
    try {
      for await (const piece of untilAborted(() => text, "the text", this.#signal, clock)) {
        this.#quietTimer?.[Symbol.dispose]();
        speech.spoken.write(piece);
        this.#send(this.#text.push(piece));
        this.#quietTimer = clock.schedule(() => this.#flushLine(), FLUSH_AFTER_MS);
      }
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#textFailure = { error };
    }
    this.#quietTimer?.[Symbol.dispose]();
    const incomplete = this.#textFailure !== undefined;
    if (!incomplete) this.#send(this.#text.end());
    this.#hasEnded = true;
    this.#withStream((stream) => stream.end({ incomplete }));
    this.#opened.resolve(undefined);
    this.#expectAudio();
  }

  #send(piece: PlacedText): void {
    const { speech, session, clock, name } = this.#init;
    speech.spoken.speak(piece, this.#text.doneChars);
    this.#held += piece.text;
    if (!this.#stream) {
      if (!hasWords(this.#held)) return;
      speech.times.ttsStartedMs = clock.now();
      try {
        const stream = session().speak();
        promiseIn<unknown>(stream)?.catch(() => {});
        checkMethods(stream, `${name}.speak`, "a TtsStream", [
          "sendText",
          "flush",
          "end",
          "cancel",
        ]);
        this.#stream = stream;
        this.#opened.resolve(stream);
      } catch (error) {
        return this.#over.abort(error);
      }
    }
    if (this.#held === "") return;
    this.#hasNewWords ||= hasWords(this.#held);
    this.#withStream((stream) => stream.sendText(this.#held));
    this.#init.usage.ttsCharacters += this.#held.length;
    this.#held = "";
  }

  #flushLine(): void {
    if (!this.#init.speech.spoken.spoken.endsWith("\n")) return;
    this.#withStream((stream) => stream.flush());
    // A fast voice has sent its audio by now, and has nothing more to say until more text comes.
    if (this.#hasNewWords) this.#expectAudio();
  }

  /** Acts on the stream; one that throws is given up. */
  #withStream(act: (stream: TtsStream) => void): void {
    const stream = this.#stream;
    if (!stream || this.#signal.aborted) return;
    attempt(() => act(stream), (error) => this.#over.abort(error));
  }

  async *#read(stream: TtsStream): AsyncGenerator<PcmChunk, void, void> {
    const { name, clock, report, speech } = this.#init;
    let hasAudio = false;
    for await (const part of untilAborted(() => stream, `${name}.speak`, this.#signal, clock)) {
      this.#note(part);
      const { pcm, unspoken } = part;
      const isSound = pcm !== undefined && pcm.frames > 0;
      if (isSound || unspoken) this.#hasNewWords = false;
      if ((isSound || unspoken) && !this.#hasEnded) this.#owesAudio = false;
      if (!isSound) continue;
      hasAudio = true;
      speech.times.ttsStartedMs = stream.requestedMs ?? speech.times.ttsStartedMs;
      // The time that playback takes is not the voice's.
      this.#isPlaying = true;
      this.#audioTimer?.[Symbol.dispose]();
      yield pcm;
      this.#isPlaying = false;
      this.#startAudioTimer();
    }
    const { spoken } = speech;
    if (hasAudio || spoken.hasUnspoken) return;
    spoken.skip(0, spoken.spoken.length);
    const message = `${name} returned no audio for ${spoken.spoken.length} characters`;
    report(new InferenceError(message, { code: "no-sound" }), "speaking");
  }

  /** Checks a part, and notes what it says about the text. */
  #note({ pcm, alignment, unspoken }: SpeechPart): void {
    const { name, report, speech: { spoken } } = this.#init;
    const what = `${name} returned a part whose`;
    if (pcm !== undefined) assertPcmChunk(pcm, `${what} pcm is wrong`);
    if (alignment !== undefined) {
      if (!Array.isArray(alignment)) {
        const got = shown(alignment);
        throw new TypeError(`${what} alignment is wrong: expected an array, got ${got}`);
      }
      spoken.align(alignment);
    }
    if (!unspoken) return;
    spoken.skip(unspoken.from, unspoken.to);
    report(unspoken.error, "speaking");
  }

  #expectAudio(): void {
    this.#owesAudio = true;
    this.#startAudioTimer();
  }

  #startAudioTimer(): void {
    const { name, clock, timeoutMs } = this.#init;
    this.#audioTimer?.[Symbol.dispose]();
    if (!this.#stream || !this.#owesAudio || this.#isPlaying || this.#signal.aborted) return;
    this.#audioTimer = clock.schedule(() => {
      const message = `${name} returned no audio for ${timeoutMs} ms`;
      this.#over.abort(new DOMException(message, "TimeoutError"));
    }, timeoutMs);
  }
}
