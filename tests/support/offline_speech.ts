/** What the tests of the assistant without a key share: its recogniser, and a voice to ask with. */
import { PcmChunk } from "@ringline/edge";
import type { EspeakVoice } from "../../examples/lib/espeak_voice.ts";

/** Whether the recogniser is here: Debian's `libpocketsphinx3` and `pocketsphinx-en-us`. */
export function hasRecogniser(): boolean {
  try {
    Deno.dlopen("libpocketsphinx.so.3", {}).close();
    return true;
  } catch {
    return false;
  }
}

/** A sentence as a voice says it. */
export async function spoken(voice: EspeakVoice, text: string): Promise<PcmChunk> {
  const samples: number[] = [];
  let sampleRate = 0;
  for await (const { pcm } of voice.synthesize(text, { signal: new AbortController().signal })) {
    sampleRate = pcm.sampleRate;
    samples.push(...pcm.samples);
  }
  return new PcmChunk(Int16Array.from(samples), { sampleRate });
}
