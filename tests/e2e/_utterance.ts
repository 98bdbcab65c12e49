/** The recording of the tests, as a guest of a call says it. */
import { speech, SPEECH_RATE } from "../fixtures/speech.ts";
import type { Guest } from "./_fixture.ts";
import { type Recording, toFloats } from "./_signal.ts";

/** Returns the recording, to be found again in what others hear. */
export async function utterance(): Promise<Recording> {
  return { sampleRate: SPEECH_RATE, samples: toFloats(await speech()) };
}

/** Says the recording; resolves when it is said. */
export async function utter(guest: Guest): Promise<void> {
  const bytes = new Uint8Array((await speech()).buffer);
  await guest.run("speak", [bytes.toBase64(), SPEECH_RATE, 1]);
}
