/** Which speakers an agent hears. */
import { assertEquals } from "@std/assert";
import type { Participant } from "../../src/edge/types.ts";
import { TurnEndedEvent } from "../../src/inference/contracts/events.ts";
import { allowList } from "../../src/inference/speakers/allow_list.ts";
import { firstSpeakerWins } from "../../src/inference/speakers/first_speaker_wins.ts";
import { loudest } from "../../src/inference/speakers/loudest.ts";
import type { SpeakerFilter } from "../../src/inference/speakers/speaker_filter.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { readWav } from "../../src/audio/wav.ts";
import { lineNoises } from "../../bench/lines/sounds.ts";
import { SPEECH } from "../fixtures/speech.ts";
import { Fixture, sound } from "./_fixture.ts";

const PEOPLE = ["ann", "bob", "cem"];
const participants = PEOPLE.map((id): Participant => ({
  original: undefined,
  userId: id,
  id,
  name: id,
  kind: "person",
}));

/** Plays rows of loudnesses, one number a person, and gives who passed in each. */
async function play(
  policy: SpeakerFilter,
  clock: VirtualClock,
  loudnesses: number[],
  ms: number,
): Promise<string> {
  let last = "";
  for (let at = 0; at < ms; at += 20) {
    const row = Math.round(clock.now() / 20);
    const heard = participants.slice(0, loudnesses.length).map((participant, index) => ({
      participant,
      pcm: sound(20, loudnesses[index]!),
      row,
      trackId: "",
    }));
    last = heard.filter((one) => policy.passes(one, heard)).map((one) => one.participant.id).join();
    await clock.advance(20);
  }
  return last;
}

Deno.test("the first speaker is heard and the others not, until they have been silent", async () => {
  const clock = new VirtualClock();
  const policy = firstSpeakerWins({ vad: new FakeVAD(), clock });
  assertEquals(await play(policy, clock, [0, 0], 200), "ann,bob");
  assertEquals(await play(policy, clock, [3000, 0], 200), "ann");
  assertEquals(await play(policy, clock, [3000, 9000], 1000), "ann");
  // A breath is no end.
  assertEquals(await play(policy, clock, [0, 9000], 1400), "ann");
  assertEquals(await play(policy, clock, [0, 9000], 200), "bob");
});

Deno.test("the speaker who has waited the longest is heard next, however loud the others are", async () => {
  const clock = new VirtualClock();
  const policy = firstSpeakerWins({ vad: new FakeVAD(), clock });
  await play(policy, clock, [3000, 0, 0], 200);
  await play(policy, clock, [3000, 0, 2000], 200);
  await play(policy, clock, [3000, 9000, 2000], 200);
  assertEquals(await play(policy, clock, [0, 9000, 2000], 1600), "cem");
  assertEquals(await play(policy, clock, [3000, 9000, 0], 1600), "bob");
  assertEquals(await play(policy, clock, [3000, 0, 0], 1600), "ann");
});

Deno.test("the place of one who leaves or falls silent by muting is free again", async () => {
  const clock = new VirtualClock();
  const policy = firstSpeakerWins({ vad: new FakeVAD(), clock });
  await play(policy, clock, [3000, 0], 200);
  policy.participantLeft!(participants[0]!);
  assertEquals(await play(policy, clock, [0, 3000], 100), "bob");
  // Muted, they send nothing at all: the clock releases the floor.
  await clock.advance(2000);
  assertEquals(await play(policy, clock, [3000], 100), "ann");
});

Deno.test("a detector that answers later works for the first speaker too", async () => {
  const clock = new VirtualClock();
  const vad = new FakeVAD({ clock, delayMs: 8 });
  const policy = firstSpeakerWins({ vad, clock });
  assertEquals(await play(policy, clock, [0, 3000], 100), "bob");
  for (const participant of participants.slice(0, 2)) policy.participantLeft!(participant);
  assertEquals(vad.speakers, 0);
});

Deno.test("one who types is not the first speaker, whatever the noise", async () => {
  const clock = new VirtualClock();
  const policy = firstSpeakerWins({ clock });
  const { sampleRate, samples: words } = readWav(await Deno.readFile(SPEECH));
  const keys = lineNoises.keys(words.length, sampleRate, 1).map((sample) => sample * 4000);
  const length = sampleRate / 50;
  const passed = new Set<string>();
  for (let at = 0; at + length <= words.length; at += length) {
    const row = [keys, words].map((samples, index) => ({
      participant: participants[index]!,
      pcm: new PcmChunk(Int16Array.from(samples.subarray(at, at + length)), { sampleRate }),
      row: at / length,
      trackId: "",
    }));
    const heard = row.filter((one) => policy.passes(one, row)).map((one) => one.participant.id);
    passed.add(heard.join());
    await clock.advance(20);
  }
  // All are heard until the first word, and then the one who speaks.
  assertEquals([...passed], ["ann,bob", "bob"]);
});

Deno.test("only the loudest is heard, and it takes clearly more to be heard instead", async () => {
  const clock = new VirtualClock();
  const policy = loudest();
  assertEquals(await play(policy, clock, [3000, 1000], 200), "ann");
  assertEquals(await play(policy, clock, [3000, 4500], 600), "ann");
  assertEquals(await play(policy, clock, [3000, 9000], 200), "bob");
  assertEquals(await play(policy, clock, [0, 0], 1000), "bob");
});

Deno.test("only those on the list are heard", async () => {
  const clock = new VirtualClock();
  assertEquals(await play(allowList(["bob"]), clock, [9000, 100], 20), "bob");
  assertEquals(await play(allowList(({ name }) => name < "b"), clock, [0, 0], 20), "ann");
});

Deno.test("an agent with a speaker filter hears one of two who speak at the same time", async () => {
  for (const [name, expected] of [["first", "ann"], ["loudest", "bob"], ["list", "bob"]] as const) {
    const clockOf: { clock?: VirtualClock } = {};
    const speakerFilter: SpeakerFilter = name === "first"
      ? firstSpeakerWins({
        vad: new FakeVAD(),
        clock: {
          now: () => clockOf.clock!.now(),
          epochMs: () => 0,
          schedule: () => ({ [Symbol.dispose]() {} }),
        },
      })
      : name === "loudest"
      ? loudest()
      : allowList(["bob"]);
    await using fixture = await Fixture.set({
      people: ["ann", "bob"],
      transcripts: { ann: ["From Ann."], bob: ["From Bob."] },
      agent: { speakerFilter },
    });
    clockOf.clock = fixture.clock;
    const [ann, bob] = fixture.people;
    fixture.utter(1500, 4000, ann, 3000);
    await fixture.clock.advance(100);
    fixture.utter(1400, 4000, bob, 12_000);
    await fixture.clock.advance(4000);
    assertEquals(fixture.events(TurnEndedEvent).map((one) => one.participant.id), [expected]);
  }
});

Deno.test("all speakers mixed are one transcript, and the loudest is its speaker", async () => {
  await using fixture = await Fixture.set({
    people: ["ann", "bob"],
    transcripts: ["All that was said."],
    agent: { turnHandling: { mixSpeakers: true } },
  });
  const [ann, bob] = fixture.people;
  fixture.utter(1500, 4000, ann, 3000);
  fixture.utter(1400, 4000, bob, 12_000);
  await fixture.clock.advance(4000);
  assertEquals(fixture.stt.segments.length, 1);
  assertEquals(fixture.conversation[0], "bob: All that was said.");
  assertEquals(fixture.llm.requests.length, 1);
});

Deno.test("mixed, one who mutes or leaves does not hold the others up", async () => {
  await using fixture = await Fixture.set({
    people: ["ann", "bob"],
    transcripts: ["Hello?", "Still here."],
    agent: { turnHandling: { mixSpeakers: true } },
  });
  const [ann, bob] = fixture.people;
  fixture.speak(300, ann!);
  fixture.speak(600, bob!);
  await fixture.clock.advance(250);
  ann!.leave();
  await fixture.clock.advance(2500);
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text), ["Hello?"]);
  await fixture.hear(500, 1500, bob!);
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text), ["Hello?", "Still here."]);
});
