// eSpeak NG is under the GPL, version 3: a program with this voice in it is passed on
// under the GPL. It is this example's own dependency, and no part of the library.
/** eSpeak NG in a worker, since synthesising a whole sentence keeps its thread busy. */
/// <reference lib="deno.worker" />
// deno-lint-ignore no-import-prefix
import load from "npm:@echogarden/espeak-ng-emscripten@0.3.5";

/** What the worker is asked. */
export interface SpeakRequest {
  id: number;
  text: string;
}

/** What it answers: the sound of all of the text, and where its words begin. */
export interface SpokenText {
  id: number;
  sampleRate: number;
  samples: Int16Array<ArrayBuffer>;
  /** `fromMs` in the sound, `from` in the text. */
  words: { fromMs: number; from: number }[];
}

interface EspeakEvent {
  type: string;
  /** Of a word: its first character, counted from 1. */
  text_position: number;
  /** Milliseconds. */
  audio_position: number;
}

const espeak = await load();
const voice = new espeak.eSpeakNGWorker();
voice.set_voice("en-us");
voice.set_rate(165);

function speak({ id, text }: SpeakRequest): SpokenText {
  const pieces: Int16Array[] = [];
  const words: SpokenText["words"] = [];
  voice.synthesize(text, (samples: Int16Array, events: EspeakEvent[]) => {
    pieces.push(samples);
    for (const { type, text_position, audio_position } of events) {
      if (type === "word") words.push({ fromMs: audio_position, from: text_position - 1 });
    }
    return false;
  });
  const samples = new Int16Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    samples.set(piece, at);
    at += piece.length;
  }
  return { id, sampleRate: voice.get_samplerate(), samples, words };
}

// What is compiled for the first sentence would be waited for in a call.
speak({ id: 0, text: "Ready." });
// The library takes `self` away, by which it tells browsers from the rest.
const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
scope.onmessage = ({ data }: MessageEvent<SpeakRequest>) => {
  const spoken = speak(data);
  scope.postMessage(spoken, [spoken.samples.buffer]);
};
scope.postMessage("ready");
