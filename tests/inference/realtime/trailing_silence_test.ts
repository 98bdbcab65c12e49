/** Turns whose audio stops in the middle: a service waits for silence that does not come. */
import { assert, assertEquals } from "@std/assert";
import { SpeechStoppedEvent } from "../../../src/inference/contracts/events.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { Fixture, sound } from "../_fixture.ts";

const realtime = [{ heard: "How are you?", reply: "Well." }];

for (
  const [how, stop] of [
    ["mutes", (fixture: Fixture) => fixture.ann.mute()],
    ["leaves", (fixture: Fixture) => fixture.ann.leave()],
    ["loses their network", () => {}],
  ] as const
) {
  Deno.test(`a person who ${how} right after the question is answered`, async () => {
    await using fixture = await Fixture.set({ realtime, people: ["ann", "bob"] });
    fixture.speak(800);
    await fixture.clock.advance(800);
    stop(fixture);
    await fixture.clock.advance(3000);
    assertEquals(fixture.conversation, ["ann: How are you?", "agent: Well."]);
    assertEquals(fixture.realtime.sessions[0]!.commits, 0);
    assertEquals(fixture.events(SpeechStoppedEvent).length, 1);
  });
}

Deno.test("a turn that the service does not end is committed, and the reply asked for", async () => {
  await using fixture = await Fixture.set({
    realtime,
    prepare: (one) => one.realtime.hearsSilence = false,
  });
  fixture.speak(800);
  await fixture.clock.advance(800);
  fixture.ann.mute();
  await fixture.clock.advance(1900);
  assertEquals(fixture.conversation, []);
  await fixture.clock.advance(1500);
  assertEquals(fixture.realtime.sessions[0]!.commits, 1);
  assertEquals(fixture.conversation, ["ann: How are you?", "agent: Well."]);
});

Deno.test("TrailingSilence sends nothing where nothing was said, nor while another person speaks", async () => {
  await using fixture = await Fixture.set({ realtime, people: ["ann", "bob"] });
  const session = fixture.realtime.sessions[0]!;
  const { sendAudio } = session;
  let sentMs = 0;
  session.sendAudio = (pcm) => {
    sentMs += pcm.durationMs;
    sendAudio.call(session, pcm);
  };
  const [ann, bob] = fixture.people;
  fixture.speak(1000, ann, 0);
  await fixture.clock.advance(3000);
  assertEquals(sentMs, 1000);
  fixture.speak(500, ann);
  fixture.speak(2000, bob);
  await fixture.clock.advance(500);
  ann!.mute();
  await fixture.clock.advance(1500);
  // The row of the mute comes in two parts.
  assert(sentMs <= 3020, `${sentMs} ms`);
});

Deno.test("a pause of the network in the middle of a sentence does not end the turn", async () => {
  await using fixture = await Fixture.set({ realtime });
  const { ann, clock } = fixture;
  const half = new PcmChunk(sound(600).samples, { sampleRate: 16_000 });
  ann.speak(half);
  await clock.advance(900);
  ann.speak(half);
  await clock.advance(600);
  assertEquals(fixture.events(SpeechStoppedEvent).length, 0);
  ann.speak(new PcmChunk(new Int16Array(32_000), { sampleRate: 16_000 }));
  await clock.advance(3000);
  assertEquals(fixture.conversation, ["ann: How are you?", "agent: Well."]);
});
