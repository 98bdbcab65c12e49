/** Stereo microphones on their way into the room. */
import { assert, assertEquals } from "@std/assert";
import { LiveChannel } from "../../src/media/room/live_channel.ts";

function stereo(left: (n: number) => number, right: (n: number) => number): Int16Array {
  return Int16Array.from({ length: 960 }, (_, at) => (at % 2 ? right : left)(at >> 1));
}
const tone = (n: number) => Math.round(8000 * Math.sin(2 * Math.PI * n / 48));

function peak(samples: Int16Array): number {
  return samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
}

Deno.test("a stereo microphone with one live side is taken at full level, whichever it is", () => {
  const hiss = (n: number) => n % 7 - 3;
  for (const frame of [stereo(tone, () => 0), stereo(hiss, tone), stereo(tone, hiss)]) {
    const channel = new LiveChannel();
    let mono = channel.process(frame);
    for (let n = 0; n < 100; n++) mono = channel.process(frame);
    assert(Math.abs(peak(mono) - 8000) < 10, `${peak(mono)}`);
  }
});

Deno.test("stereo with two live sides stays their mean, also where they speak in turn", () => {
  const channel = new LiveChannel();
  const both = stereo(tone, (n) => -tone(n + 12));
  for (let n = 0; n < 50; n++) channel.process(both);
  const mono = channel.process(both);
  assertEquals(mono[100], Math.round((both[200]! + both[201]!) / 2));
  // A second of the left side alone does not make the right one dead.
  for (let n = 0; n < 100; n++) {
    assert(peak(channel.process(stereo(tone, () => 0))) <= 4000, `frame ${n}`);
  }
});

Deno.test("a side that comes alive is heard without a click", () => {
  const channel = new LiveChannel();
  const slow = (value: number) => () => value;
  for (let n = 0; n < 10; n++) channel.process(stereo(slow(1000), slow(0)));
  const frames = [stereo(slow(1000), slow(1000)), stereo(slow(1000), slow(1000))];
  let last = 1000;
  for (const frame of frames) {
    for (const sample of channel.process(frame)) {
      assert(Math.abs(sample - last) < 50, `${last} -> ${sample}`);
      last = sample;
    }
  }
  assertEquals(last, 1000);
});
