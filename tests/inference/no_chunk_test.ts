/** Values that are no PCM chunk are refused. */
import { assertThrows } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { RealtimeReply } from "../../src/inference/pipelines/realtime/realtime_reply.ts";
import { Speech } from "../../src/testing/speech.ts";

Deno.test("what is no chunk is neither an answer nor speech", () => {
  const changed = Object.assign(new PcmChunk(new Int16Array(960), { sampleRate: 48_000 }), {
    samples: new Uint8Array(960),
  });
  for (const pcm of [new Int16Array(960), changed, undefined] as unknown as PcmChunk[]) {
    assertThrows(() => new RealtimeReply().addAudio(pcm), TypeError, "expected a");
    assertThrows(() => new Speech().add(pcm), TypeError, "expected a");
  }
});
