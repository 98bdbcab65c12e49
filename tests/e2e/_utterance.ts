/** A person's voice, in one stretch. */
import { type Guest, SPEECH } from "./_fixture.ts";
import { type Recording, toFloats } from "./_signal.ts";

const RATE = 48_000;

/** "Front center" without the pause between the words, in which a turn may end or not. */
async function samples(): Promise<Int16Array<ArrayBuffer>> {
  const wav = await Deno.readFile(SPEECH);
  const all = new Int16Array(wav.slice(44).buffer);
  const at = (ms: number) => ms * RATE / 1000;
  return Int16Array.from([...all.subarray(0, at(500)), ...all.subarray(at(780))]);
}

/** What is said, to be found again. */
export async function utterance(): Promise<Recording> {
  return { sampleRate: RATE, samples: toFloats(await samples()) };
}

/** Says it; resolves when it is said. */
export async function utter(guest: Guest): Promise<void> {
  const bytes = new Uint8Array((await samples()).buffer);
  await guest.run("speak", [bytes.toBase64(), RATE, 1]);
}
