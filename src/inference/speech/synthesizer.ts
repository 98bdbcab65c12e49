import type { PipelineContext } from "../pipeline_context.ts";
import type { SpeechPart, TTS } from "../contracts/tts.ts";
import type { SpeechHandle, TtsUtterance } from "./speech_handle.ts";
import { assertPcmChunk } from "../../audio/pcm_chunk.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { InferenceError } from "../contracts/errors.ts";
import { toSpeakable } from "../text/markdown_filter.ts";
import { splitSentences } from "../text/sentence_splitter.ts";

/** Options for a {@linkcode Synthesizer}. */
export interface SynthesizerOptions {
  tts: TTS;
  /** How long the voice may take for its next audio; `Infinity` sets no limit. Default 10,000. */
  timeoutMs?: number;
}

/** Cuts text, as it comes, into sentences, and has the voice speak each. */
export class Synthesizer {
  readonly #context: Pick<PipelineContext, "clock" | "report">;
  readonly #tts: TTS;
  readonly #timeoutMs: number;

  constructor(
    context: Pick<PipelineContext, "clock" | "report">,
    { tts, timeoutMs = 10_000 }: SynthesizerOptions,
  ) {
    this.#context = context;
    this.#tts = tts;
    this.#timeoutMs = timeoutMs;
  }

  /** Returns the sentences of a text with their audio, until the speech is interrupted. */
  async *synthesize(
    text: AsyncIterable<string>,
    speech: SpeechHandle,
  ): AsyncGenerator<TtsUtterance, void, void> {
    const { clock } = this.#context;
    for await (const sentence of splitSentences(text)) {
      speech.times.firstSentenceMs ||= clock.now();
      const spoken = toSpeakable(sentence);
      if (spoken.text === "") {
        yield { words: { text: sentence }, audio: undefined };
        continue;
      }
      speech.times.ttsStartedMs ||= clock.now();
      const words: TtsUtterance["words"] = { text: sentence, spoken };
      yield { words, audio: this.#speak(words, spoken.text, speech.signal) };
    }
  }

  /** Returns the audio of a sentence, each part within the time limit. */
  async *#speak(
    words: TtsUtterance["words"],
    text: string,
    interrupted: AbortSignal,
  ): AsyncGenerator<SpeechPart, void, void> {
    const { clock, report } = this.#context;
    const tts = this.#tts, timeoutMs = this.#timeoutMs;
    const limit = new AbortController();
    const signal = AbortSignal.any([interrupted, limit.signal]);
    const startTimer = (): Disposable =>
      clock.schedule(() => {
        const message = `${tts.name} returned no audio for ${timeoutMs} ms`;
        limit.abort(new DOMException(message, "TimeoutError"));
      }, timeoutMs);
    let timer = startTimer();
    let hasAudio = false;
    try {
      const parts = () => tts.synthesize(text, { signal });
      for await (const part of untilAborted(parts, `${tts.name}.synthesize`, signal, clock)) {
        assertPcmChunk(part?.pcm, `${tts.name}.synthesize returned a part whose pcm is wrong`);
        if (part.pcm.frames === 0) continue;
        hasAudio = true;
        // The time that playback takes is not the voice's.
        timer[Symbol.dispose]();
        yield part;
        timer = startTimer();
      }
    } finally {
      timer[Symbol.dispose]();
    }
    if (hasAudio) return;
    words.silent = true;
    const message = `${tts.name} returned no audio for a sentence of ${text.length} characters`;
    report(new InferenceError(message, { code: "no-sound" }), "speaking");
  }
}
