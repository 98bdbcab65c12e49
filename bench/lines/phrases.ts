/**
 * Phrases of several voices, from the recordings of Debian's asterisk-core-sounds packages.
 *
 * @module
 */
import { Resampler, typescriptKernel } from "../../src/audio/mod.ts";
import { readWav } from "../../src/audio/wav.ts";
import { Random } from "../../src/testing/random.ts";
import { activeLevel } from "./sounds.ts";

/** The folder of Debian's packages. */
export const RECORDINGS = "/usr/share/asterisk/sounds";
/** The option that names another folder, as `parseArgs` takes it. */
export const SPEECH_OPTION = { speech: { type: "string", default: RECORDINGS } } as const;
/** Its lines of `--help`. */
export const SPEECH_HELP =
  `  --speech FOLDER   recordings, a folder of WAV files for each voice. Default: ${RECORDINGS},
                    of Debian's asterisk-core-sounds-{en,es,fr,it,ru}-wav`;
/** Samples per second of the phrases. */
export const RATE = 16_000;
/** The level of all phrases, without their pauses: -26 dB of full scale. */
export const SPEECH_RMS = 0.05 * 32_768;

/**
 * Returns so many phrases of 0.8 to 4 seconds, the voices in turn, the same for the same folder. Throws a
 * `TypeError` that says what to install where there are too few.
 */
export async function readPhrases(folder: string, count: number): Promise<Int16Array[]> {
  const voices: string[][] = [];
  for await (const { name, isDirectory } of entries(folder)) {
    if (isDirectory) voices.push(shuffled(await Array.fromAsync(wavFiles(`${folder}/${name}`))));
  }
  voices.sort((a, b) => (a[0] ?? "").localeCompare(b[0] ?? ""));
  const phrases: Int16Array[] = [];
  for (let n = 0; voices.some((files) => n < files.length); n++) {
    for (const files of voices) {
      if (phrases.length === count) return phrases;
      const file = files[n];
      const phrase = file && toPhrase(await Deno.readFile(file));
      if (phrase) phrases.push(phrase);
    }
  }
  if (phrases.length === count) return phrases;
  throw new TypeError(
    `${folder}: expected ${count} phrases of 0.8 to 4 s in folders of a voice each, got ` +
      `${phrases.length}: apt-get install asterisk-core-sounds-{en,es,fr,it,ru}-wav`,
  );
}

async function* entries(folder: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function* wavFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory && name !== "silence") yield* wavFiles(`${folder}/${name}`);
    else if (name.endsWith(".wav")) yield `${folder}/${name}`;
  }
}

function shuffled(files: string[]): string[] {
  const random = new Random(1);
  files.sort();
  for (let n = files.length - 1; n > 0; n--) {
    const other = Math.floor(random.between(0, n + 1));
    [files[n], files[other]] = [files[other]!, files[n]!];
  }
  return files;
}

/** Returns a recording without the silence around it, at the common level, if its length is right. */
function toPhrase(bytes: Uint8Array): Int16Array | undefined {
  const { samples, peak } = trimmed(bytes);
  const seconds = samples.length / RATE;
  return peak < 500 || seconds < 0.8 || seconds > 4 ? undefined : atSpeechLevel(samples);
}

/** Reads a recording of any length: without the silence around it, at the common level. */
export async function readRecording(file: string): Promise<Int16Array> {
  return atSpeechLevel(trimmed(await Deno.readFile(file)).samples);
}

function trimmed(bytes: Uint8Array): { samples: Int16Array; peak: number } {
  const pcm = readWav(bytes);
  using resampler = new Resampler(typescriptKernel(), {
    inputRate: pcm.sampleRate,
    outputRate: RATE,
  });
  const samples = new Int16Array(resampler.maxOutputFrames(pcm.frames, pcm.sampleRate));
  resampler.process(pcm, samples);
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  const isLoud = (sample: number) => Math.abs(sample) > 0.05 * peak;
  const from = samples.findIndex(isLoud);
  return { samples: samples.slice(from, samples.findLastIndex(isLoud) + 1), peak };
}

function atSpeechLevel(samples: Int16Array): Int16Array {
  const gain = SPEECH_RMS / activeLevel(samples);
  return samples.map((sample) => Math.max(-32_768, Math.min(32_767, gain * sample)));
}
