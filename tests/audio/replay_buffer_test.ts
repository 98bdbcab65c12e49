/** Audio that is kept until it is acknowledged. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { ReplayBuffer } from "../../src/audio/replay_buffer.ts";

Deno.test("ReplayBuffer keeps exactly what is not acknowledged, up to its capacity", () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ acknowledge: fc.integer({ min: -10, max: 400 }) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const buffer = new ReplayBuffer({ sampleRate: 1000, capacityMs: 100 });
    let [start, end] = [0, 0];
    for (const one of steps) {
      if ("push" in one) {
        const samples = Int16Array.from({ length: one.push }, (_, n) => end + n);
        buffer.push(new PcmChunk(samples, { sampleRate: 1000 }));
        end += one.push;
        start = Math.max(start, end - 100);
      } else {
        buffer.acknowledge(one.acknowledge);
        start = Math.max(start, Math.min(end, one.acknowledge));
      }
      assertEquals([buffer.startMs, buffer.endMs], [start, end]);
      const expected = Array.from({ length: end - start }, (_, n) => start + n);
      assertEquals([...buffer.read().samples], expected);
    }
  }));
});
