import type { Clock } from "../../events/clock.ts";
import type { TTS } from "../tts.ts";
import type { Speech, Utterance } from "./speech.ts";
import { splitSentences } from "../text/sentence_splitter.ts";
import { speakable } from "../text/speakable.ts";

/** Cuts text, as it comes, into sentences that a voice says. */
export async function* voiced(
  text: AsyncIterable<string>,
  { tts, clock, speech }: { tts: TTS; clock: Clock; speech: Speech },
): AsyncGenerator<Utterance, void, void> {
  for await (const sentence of splitSentences(text)) {
    speech.times.sentence ||= clock.now();
    const plain = speakable(sentence);
    if (plain !== "") speech.times.voiceAsked ||= clock.now();
    yield {
      words: { text: sentence },
      audio: plain === "" ? undefined : tts.synthesize(plain, { signal: speech.signal }),
    };
  }
}
