import type { Clock } from "../../events/clock.ts";
import type { SpeechPart, TTS } from "../contracts/tts.ts";
import { assertPcmChunk } from "../../audio/pcm_chunk.ts";
import type { SpeechHandle, TtsUtterance } from "./speech_handle.ts";
import { InferenceError } from "../contracts/errors.ts";
import { splitSentences } from "../text/sentence_splitter.ts";
import { toSpeakable } from "../text/markdown_filter.ts";
import { untilAborted } from "../../events/until_aborted.ts";

/** Who says it, and until when. */
export interface SynthesisOptions {
  tts: TTS;
  clock: Clock;
  speech: SpeechHandle;
  /** How long the voice may take for its next sound before it is given up; `Infinity` for ever. */
  timeoutMs: number;
  report: (error: unknown, context: string) => void;
}

/** Cuts text, as it comes, into sentences that a voice says. */
export async function* synthesize(
  text: AsyncIterable<string>,
  options: SynthesisOptions,
): AsyncGenerator<TtsUtterance, void, void> {
  const { clock, speech } = options;
  for await (const sentence of splitSentences(text)) {
    speech.times.sentence ||= clock.now();
    const spoken = toSpeakable(sentence);
    if (spoken.text === "") {
      yield { words: { text: sentence }, audio: undefined };
      continue;
    }
    speech.times.voiceAsked ||= clock.now();
    const words: TtsUtterance["words"] = { text: sentence, spoken };
    yield { words, audio: synthesized(words, spoken.text, options) };
  }
}

/** The sound of a sentence, each piece within the time limit. */
async function* synthesized(
  words: TtsUtterance["words"],
  text: string,
  { tts, clock, speech, timeoutMs, report }: SynthesisOptions,
): AsyncGenerator<SpeechPart, void, void> {
  const limit = new AbortController();
  const signal = AbortSignal.any([speech.signal, limit.signal]);
  const watch = (): Disposable =>
    clock.schedule(() => {
      const message = `${tts.name} made no sound for ${timeoutMs} ms`;
      limit.abort(new DOMException(message, "TimeoutError"));
    }, timeoutMs);
  let timer = watch();
  let isHeard = false;
  try {
    const parts = () => tts.synthesize(text, { signal });
    for await (const part of untilAborted(parts, `${tts.name}.synthesize`, signal, clock)) {
      assertPcmChunk(part?.pcm, `${tts.name}.synthesize gave a part whose pcm is wrong`);
      if (part.pcm.frames === 0) continue;
      isHeard = true;
      // The time that playing takes is not the voice's.
      timer[Symbol.dispose]();
      yield part;
      timer = watch();
    }
  } finally {
    timer[Symbol.dispose]();
  }
  if (isHeard) return;
  words.silent = true;
  const message = `${tts.name} made no sound of a sentence of ${text.length} characters`;
  report(new InferenceError(message, { code: "no-sound" }), "speaking");
}
