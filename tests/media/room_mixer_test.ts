import { assert, assertEquals, assertLess } from "@std/assert";
import { MAX_CONTRIBUTIONS, RoomMixer } from "../../src/media/room/room_mixer.ts";
import {
  ActiveSpeaker,
  MAX_ACTIVE_SPEAKERS,
  selectSpeakers,
} from "../../src/media/room/active_speaker.ts";
import { TICK_SAMPLES } from "../../src/media/wire/time.ts";

function level(value: number): Int16Array {
  return new Int16Array(TICK_SAMPLES).fill(value);
}

Deno.test("each listener's mix holds exactly the contributions they hear", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  const a = mixer.add(level(100), 1, 1), b = mixer.add(level(20), 1, 1);
  const c = mixer.add(level(3), 1, 1);
  assertEquals(mixer.mix(a | b | c)[100], 123);
  assertEquals(mixer.mix(b | c)[100], 23);
  assertEquals(mixer.mix(c)[479], 3);
  assertEquals(mixer.mix(0).every((sample) => sample === 0), true);
});

Deno.test("listeners who hear the same share one frame, which owns its whole buffer", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  const a = mixer.add(level(100), 1, 1), b = mixer.add(level(20), 1, 1);
  assert(mixer.mix(a | b) === mixer.mix(a | b));
  assert(mixer.mix(a) !== mixer.mix(b));
  for (const mask of [0, a, a | b]) {
    const frame = mixer.mix(mask);
    assertEquals([frame.byteOffset, frame.buffer.byteLength], [0, TICK_SAMPLES * 2]);
  }
});

Deno.test("a gain that changes goes in a straight line over the frame", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  const frame = mixer.mix(mixer.add(level(4800), 0, 1));
  assertEquals([frame[0], frame[239], frame[479]], [10, 2400, 4800]);
});

Deno.test("a sum beyond full scale is held below it, smoothly, and let go again", () => {
  const mixer = new RoomMixer();
  const mix = (value: number) => {
    mixer.begin();
    const mask = mixer.add(level(value), 1, 1) | mixer.add(level(value), 1, 1);
    const first = mixer.mix(mask).slice();
    assertEquals(mixer.mix(mask), first, "the second listener hears the same");
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
  assertEquals(mixer.mix(mixer.add(level(32_767), 1, 1))[479], 32_767);
});

Deno.test("more contributions than fit are left out, not mixed up", () => {
  const mixer = new RoomMixer();
  mixer.begin();
  let all = 0;
  for (let index = 0; index < MAX_CONTRIBUTIONS; index++) all |= mixer.add(level(1), 1, 1);
  assertEquals(mixer.add(level(1000), 1, 1), 0);
  assertEquals(mixer.mix(all)[0], MAX_CONTRIBUTIONS);
});

Deno.test("the four loudest are selected, and a bit louder is not enough to replace one", () => {
  const speakers = Array.from({ length: 6 }, () => new ActiveSpeaker());
  const hear = (levels: number[], ticks: number) => {
    for (let tick = 0; tick < ticks; tick++) {
      speakers.forEach((speaker, index) => speaker.hear(level(levels[index]!)));
      selectSpeakers(speakers);
    }
    return speakers.map(({ isSelected }) => isSelected ? 1 : 0).join("");
  };
  assertEquals(hear([6000, 5000, 4000, 3000, 2000, 1000], 20), "111100");
  assertEquals(hear([6000, 5000, 4000, 3000, 3500, 1000], 50), "111100");
  assertEquals(hear([6000, 5000, 4000, 3000, 9000, 1000], 50), "111010");
  assertEquals(MAX_ACTIVE_SPEAKERS, 4);
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
