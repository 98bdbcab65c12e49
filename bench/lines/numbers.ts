/**
 * How many spoken numbers a recogniser understands in noise: PocketSphinx, which knows nothing but
 * numbers here.
 *
 * @module
 */
import type { InputFilter } from "../../src/agent/input_filter.ts";
import { PocketSphinx } from "../../examples/lib/pocket_sphinx.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { filtered } from "./filtered.ts";
import { RATE, readRecording } from "./phrases.ts";
import { lineNoises, mixAt, type Noise } from "./sounds.ts";

const WORDS: readonly (readonly [file: string, word: string])[] = [
  ...[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
  ].map((word, value) => [`${value}`, word] as const),
  ...["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    .map((word, tens) => [`${tens + 3}0`, word] as const),
];

/** The voice of the numbers, in the folder of recordings. */
const VOICE = "en_US_f_Allison/digits";
/** Silence around each number: the filter learns the noise in what is before it. */
const BEFORE_MS = 1000;
const AFTER_MS = 400;

/** How many numbers were understood in one noise. */
export interface NumbersResult {
  filter: string | undefined;
  noise: string;
  snrDb: number;
  understood: number;
  numbers: number;
}

/** Measures the recogniser in all noises, and without any. */
export async function measureNumbers(
  folder: string,
  { snrsDb, filters }: {
    snrsDb: readonly number[];
    filters: readonly (InputFilter | undefined)[];
  },
): Promise<NumbersResult[]> {
  const grammar = `#JSGF V1.0; grammar numbers; public <number> = ${
    WORDS.map(([, word]) => word).join(" | ")
  };`;
  const recogniser = new PocketSphinx(grammar);
  recogniser.start();
  const results: NumbersResult[] = [];
  const count = async (noise: string, make: Noise, snrDb: number, filter?: InputFilter) => {
    let understood = 0;
    for (const [index, [file, word]] of WORDS.entries()) {
      const number = await readRecording(`${folder}/${VOICE}/${file}.wav`);
      const padded = new Int16Array(number.length + (BEFORE_MS + AFTER_MS) * RATE / 1000);
      padded.set(number, BEFORE_MS * RATE / 1000);
      const noisy = snrDb === Infinity
        ? padded
        : mixAt(padded, make(padded.length, RATE, index), snrDb);
      const heard = filtered(filter, noisy);
      // What a VAD would cut out of it: a little before the number to a little after it.
      const cut = heard.subarray((BEFORE_MS - 300) * RATE / 1000);
      const pcm = new PcmChunk(cut, { sampleRate: RATE });
      const { signal } = new AbortController();
      const texts = recogniser.transcribe(ReadableStream.from([pcm]), { signal });
      for await (const { text } of texts) if (text === word) understood++;
    }
    results.push({ filter: filter?.name, noise, snrDb, understood, numbers: WORDS.length });
  };
  for (const filter of filters) {
    await count("none", (length) => new Float64Array(length), Infinity, filter);
    for (const [noise, make] of Object.entries(lineNoises)) {
      for (const snrDb of snrsDb) await count(noise, make, snrDb, filter);
    }
  }
  await recogniser.close();
  return results;
}
