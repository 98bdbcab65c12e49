/** Properties of AudioInput under audio and changes in any order. `FUZZ_RUNS` sets how many runs. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { AudioInput } from "../../src/agent/audio_input.ts";
import { allowAll } from "../../src/inference/speakers/speaker_filter.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { typescriptKernel } from "../../src/audio/typescript_kernel.ts";
import { type Participant, TrackType } from "../../src/edge/types.ts";
import { sleep } from "../../src/events/waiting.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const numRuns = Number(Deno.env.get("FUZZ_RUNS") ?? 10_000) / 50;

const people = ["anna", "bert", "carl"].map((id): Participant => ({
  id,
  userId: id,
  name: id,
  kind: "person",
  original: null,
}));

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("row" as const), who: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("gap" as const), rows: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("mute" as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("burst" as const), rows: fc.nat(500) }) },
);

Deno.test("every slot is processed once, in order, or counted as dropped, and nothing is kept", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom("immediately", "in a promise", "slowly"),
      async (steps, how) => {
        const clock = new VirtualClock();
        const last = new Map<string, number>();
        const failures: unknown[] = [];
        let [processed, number, sent, calls] = [0, 0, 0, 0];
        const input = new AudioInput({
          inputFilters: [],
          processors: [{
            name: "checker",
            processAudio: (heard) => {
              const { participant, row, pcm } = heard;
              assert(row > (last.get(participant.id) ?? -1), "rows go forward");
              last.set(participant.id, row);
              assertEquals(pcm.samples[0], row % 30_000, "the samples are the row's own");
              processed++;
              if (how === "in a promise") return Promise.resolve();
              return how === "slowly" ? sleep(15, { clock }) : undefined;
            },
          }],
          speakerFilter: allowAll,
          sampleRate: 16_000,
          hearsAgents: false,
          kernel: typescriptKernel(),
          clock,
          report: (error) => {
            if (!String(error).includes("dropped")) failures.push(error);
          },
        });
        const trackOf = (participant: Participant) => ({
          id: `${participant.id}'s`,
          type: TrackType.AUDIO,
          participant,
          muted: true,
        });
        const send = (who: number) => {
          const samples = new Int16Array(320).fill(++number % 30_000);
          const pcm = new PcmChunk(samples, { sampleRate: 16_000 });
          const entries = people
            .filter((_, bit) => who & (1 << bit))
            .map((participant) => ({
              participant,
              trackId: trackOf(participant).id,
              pcm,
              row: number,
            }));
          sent += entries.length;
          input.receiveRow({ count: entries.length, entries });
        };
        input.start();
        let expectedCalls = 0;
        for (const one of steps) {
          if (one.do === "row") {
            send(one.who);
            await clock.advance(20);
          } else if (one.do === "gap") number += one.rows;
          else if (one.do === "burst") { for (let n = 0; n < one.rows; n++) send(1 + n % 7); }
          else {
            expectedCalls++;
            const participant = people[one.who]!;
            if (one.do === "mute") input.trackUpdated(trackOf(participant), () => void calls++);
            else input.participantLeft(participant, () => void calls++);
          }
        }
        await clock.advance(200_000);
        assertEquals(failures, []);
        assertEquals(processed + input.dropped, sent);
        assertEquals(calls, expectedCalls);
        for (const participant of people) input.participantLeft(participant, () => {});
        await clock.advance(1000);
        assertEquals(input.openTracks, 0);
        input[Symbol.dispose]();
        assertEquals(clock.pending, 0);
      },
    ),
    { numRuns },
  );
});
