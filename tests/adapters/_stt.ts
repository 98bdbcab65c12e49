/** A recogniser's session of one stretch of speech. */
import type { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { STT } from "../../src/inference/contracts/stt.ts";
import type { Transcript } from "../../src/inference/contracts/transcriber.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";

/** Sends this audio and returns the transcripts, with the error that the session survived, if any. */
export async function transcribed(
  stt: STT,
  audio: AsyncIterable<PcmChunk>,
  sampleRate = 16_000,
): Promise<{ items: Transcript[]; error: unknown }> {
  await using session = stt.open({
    speakerId: "ann",
    sampleRate,
    clock: systemClock,
    logger: silentLogger,
    continuous: false,
  });
  for await (const pcm of audio) session.sendAudio(pcm);
  session.commit();
  session.end();
  const items: Transcript[] = [];
  let error: unknown;
  for await (const event of session) {
    if (event.type === "transcript") {
      const { type: _, ...transcript } = event;
      items.push(transcript);
    } else if (event.type === "error") error = event.error;
  }
  return { items, error };
}
