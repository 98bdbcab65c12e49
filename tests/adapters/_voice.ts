import type { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { TTS } from "../../src/inference/contracts/tts.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { openAICompatible } from "../../src/adapters/openai/mod.ts";
import { collect } from "./_double.ts";
import type { Message, RealtimeDouble } from "./_realtime_double.ts";

export const model = "gpt-realtime-2.1-mini";

/** A realtime model as a voice. */
export function voice({ baseUrl }: { baseUrl: string }, instructions?: string): TTS {
  return openAICompatible({ baseUrl, apiKey: "key" }).tts({ model, voice: "marin", instructions });
}

/** Has a voice say a text in a session of its own, until the signal is aborted. */
export async function* synthesize(
  tts: TTS,
  text: string,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<{ pcm: PcmChunk }, void, void> {
  await using session = tts.open({ clock: systemClock, logger: silentLogger });
  const stream = session.speak();
  const cancel = () => stream.cancel(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    stream.sendText(text);
    stream.end();
    for await (const { pcm } of stream) if (pcm) yield { pcm };
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Answers a request to read: the service's side. */
export function reads(
  double: RealtimeDouble,
  { response: { metadata } }: Message,
  id: string,
  sound: number[][],
  end: object = { status: "completed" },
): void {
  double.send({ type: "response.created", response: { id, status: "in_progress", metadata } });
  for (const bytes of sound) {
    const delta = Uint8Array.from(bytes).toBase64();
    double.send({ type: "response.output_audio.delta", response_id: id, item_id: "i", delta });
  }
  double.send({ type: "response.done", response: { id, ...end } });
}

/** Returns the sound that came, and the error that it ended with. */
export async function heard(
  source: AsyncIterable<{ pcm: PcmChunk }>,
): Promise<{ samples: number[]; error: Error | undefined }> {
  const samples: number[] = [];
  const { error } = await collect((async function* () {
    for await (const { pcm } of source) samples.push(...pcm.samples), yield;
  })());
  return { samples, error };
}
