import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { RoomMixer } from "../../src/media/room/room_mixer.ts";
import { ActiveSpeaker, selectSpeakers } from "../../src/media/room/active_speaker.ts";
import { TICK_SAMPLES } from "../../src/media/wire/time.ts";

function level(value: number): Int16Array {
  return new Int16Array(TICK_SAMPLES).fill(value);
}

const all = () => true;

/** A listener who hears these members. */
function hearing(...memberIds: string[]): (memberId: string) => boolean {
  return (memberId) => memberIds.includes(memberId);
}

Deno.test("each listener's mix holds exactly the contributions they hear", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  mixer.add("a", level(100), 1, 1);
  mixer.add("b", level(20), 1, 1);
  mixer.add("c", level(3), 1, 1);
  assertEquals(mixer.mix(all)[100], 123);
  assertEquals(mixer.mix(hearing("b", "c"))[100], 23);
  assertEquals(mixer.mix(hearing("c"))[479], 3);
  assertEquals(mixer.mix(hearing()).every((sample) => sample === 0), true);
  mixer.begin();
  assertEquals(mixer.mix(all).every((sample) => sample === 0), true);
});

Deno.test("in a mix of many each hears the sum of the others, or of some of them", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.integer({ min: -900, max: 900 }), fc.boolean()), { maxLength: 32 }),
    (members) => {
      const mixer = new RoomMixer();
      mixer.begin();
      members.forEach(([value], index) => mixer.add(`${index}`, level(value), 1, 1));
      const expected = members.reduce((sum, [value, heard]) => sum + (heard ? value : 0), 0);
      assertEquals(mixer.mix((memberId) => members[Number(memberId)]![1])[479], expected);
    },
  ));
});

Deno.test("listeners who hear the same share one frame, which owns its whole buffer", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  mixer.add("a", level(100), 1, 1);
  mixer.add("b", level(20), 1, 1);
  assert(mixer.mix(all) === mixer.mix(hearing("a", "b")));
  assert(mixer.mix(hearing("a")) !== mixer.mix(hearing("b")));
  for (const hears of [hearing(), hearing("a"), all]) {
    const frame = mixer.mix(hears);
    assertEquals([frame.byteOffset, frame.buffer.byteLength], [0, TICK_SAMPLES * 2]);
  }
});

Deno.test("a gain that changes goes in a straight line over the frame", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  mixer.add("a", level(4800), 0, 1);
  const frame = mixer.mix(all);
  assertEquals([frame[0], frame[239], frame[479]], [10, 2400, 4800]);
});

Deno.test("a sum beyond full scale is held below it, smoothly, and let go again", () => {
  const mixer = new RoomMixer();
  const mix = (value: number) => {
    mixer.begin();
    mixer.add("a", level(value), 1, 1);
    mixer.add("b", level(value), 1, 1);
    const first = mixer.mix(all).slice();
    assertEquals(mixer.mix(all), first, "the second listener hears the same");
    return first;
  };
  assertEquals(mix(10_000)[479], 20_000);
  const loud = mix(25_000);
  assertLess(Math.max(...loud), 32_768);
  assertLess(Math.abs(loud[479]! - 30_900), 10);
  for (let tick = 0; tick < 20; tick++) assertLess(Math.abs(mix(25_000)[240]! - 30_900), 10);
  // It comes back in a fraction of a second, not immediately.
  const after = mix(10_000);
  assertLess(after[479]!, 15_000);
  for (let tick = 0; tick < 150; tick++) mix(10_000);
  assertEquals(mix(10_000)[479], 20_000);
});

Deno.test("one contribution alone is passed on as it is, at full scale too", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  mixer.add("a", level(32_767), 1, 1);
  assertEquals(mixer.mix(all)[479], 32_767);
});

/** A voice: syllables of 200 ms at this level, with pauses of 100 ms. */
function voice(tick: number, value: number): Int16Array {
  return level(tick % 30 < 20 ? value : 5);
}

Deno.test("all who speak at the same time are mixed, without a limit and without a gap", () => {
  const speakers = Array.from({ length: 32 }, () => new ActiveSpeaker());
  for (let tick = 0; tick < 1000; tick++) {
    speakers.forEach((speaker, index) => speaker.hear(voice(tick + index, 300 + 100 * index)));
    selectSpeakers(speakers);
    if (tick < 40) continue;
    assertEquals(speakers.filter((one) => !one.isSelected).length, 0, `tick ${tick}`);
  }
});

Deno.test("of many open microphones those with steady noise stay out, of few they are mixed", () => {
  const noises = Array.from({ length: 8 }, () => new ActiveSpeaker());
  const talker = new ActiveSpeaker();
  const run = (members: ActiveSpeaker[], ticks: number) => {
    for (let tick = 0; tick < ticks; tick++) {
      for (const one of members) one.hear(one === talker ? voice(tick, 3000) : level(200));
      selectSpeakers(members);
    }
    return members.map(({ isSelected }) => isSelected ? 1 : 0).join("");
  };
  assertEquals(run([...noises, talker], 1000), "000000001");
  assertEquals(run([...noises.slice(0, 3), talker], 1000), "1111");
});

Deno.test("a speaker stays for 300 ms after the last sound, and silence is no speaker", () => {
  const speaker = new ActiveSpeaker();
  speaker.hear(level(2));
  selectSpeakers([speaker]);
  assertEquals(speaker.isSelected, false);
  speaker.hear(level(3000));
  for (let tick = 0; tick < 29; tick++) speaker.hear(undefined);
  assertEquals(speaker.isActive, true);
  speaker.hear(undefined);
  assertEquals(speaker.isActive, false);
});
