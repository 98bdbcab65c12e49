import { assertEquals, assertThrows } from "@std/assert";
import { Mixer, typescriptKernel } from "../../src/audio/mod.ts";

const kernel = typescriptKernel();

Deno.test("each input hears the others and all other listeners hear the total", () => {
  const mixer = new Mixer(kernel, { frameSamples: 2 });
  const ann = mixer.add(Int16Array.of(1, 2));
  const ben = mixer.add(Int16Array.of(10, 20));
  const cat = mixer.add(Int16Array.of(100, 200));
  mixer.mixMinus();
  assertEquals([...mixer.output(ann)], [110, 220]);
  assertEquals([...mixer.output(ben)], [101, 202]);
  assertEquals([...mixer.output(cat)], [11, 22]);
  assertEquals([...mixer.total], [111, 222]);
});

Deno.test("a frame begins anew after clear, gains included", () => {
  const mixer = new Mixer(kernel, { frameSamples: 1 });
  mixer.add(Int16Array.of(1000), { gain: 0.5 });
  mixer.mix();
  assertEquals([...mixer.total], [500]);
  mixer.clear();
  mixer.mix();
  assertEquals([...mixer.total], [0]);
  mixer.add(Int16Array.of(7));
  mixer.mix();
  assertEquals([...mixer.total], [7]);
  assertEquals(mixer.count, 1);
});

Deno.test("a gain ramps from the previous one, for the listeners of mix-minus too", () => {
  const mixer = new Mixer(kernel, { frameSamples: 4 });
  const fading = mixer.add(new Int16Array(4).fill(1000), { gain: 0, previousGain: 1 });
  const other = mixer.add(new Int16Array(4));
  mixer.mixMinus();
  assertEquals([...mixer.output(other)], [750, 500, 250, 0]);
  assertEquals([...mixer.output(fading)], [0, 0, 0, 0]);
});

Deno.test("a mixer grows past its first rows and keeps what was added", () => {
  const mixer = new Mixer(kernel, { frameSamples: 1, rows: 2 });
  for (let row = 0; row < 40; row++) mixer.add(Int16Array.of(row), { gain: 2 });
  mixer.mixMinus();
  assertEquals([...mixer.total], [1560]);
  assertEquals([...mixer.output(39)], [1560 - 78]);
});

Deno.test("a mixer refuses what is not a frame, an input it does not have, and too many", () => {
  assertThrows(() => new Mixer(kernel, { frameSamples: 0 }), RangeError, "frameSamples");
  assertThrows(() => new Mixer(kernel, { frameSamples: 1, rows: 0 }), RangeError, "rows");
  const mixer = new Mixer(kernel, { frameSamples: 1 });
  assertThrows(() => mixer.add(new Int16Array(2)), RangeError, "expected a frame of 1, got 2");
  assertThrows(() => mixer.output(0), RangeError, "expected one of 0 inputs, got 0");
  mixer.add(new Int16Array(1));
  assertThrows(() => mixer.output(-1), RangeError, "got -1");
  for (let row = 1; row < 1024; row++) mixer.add(new Int16Array(1));
  assertThrows(() => mixer.add(new Int16Array(1)), RangeError, "at most 1024");
});

Deno.test("a mixer refuses other arrays and gains out of range, and adds nothing then", () => {
  const mixer = new Mixer(kernel, { frameSamples: 1 });
  for (const samples of [[1], Float32Array.of(1), undefined] as unknown as Int16Array[]) {
    assertThrows(() => mixer.add(samples), TypeError, "expected an Int16Array, got ");
  }
  for (const gain of [NaN, Infinity, -1, 33]) {
    const to = { gain, previousGain: 1 };
    assertThrows(() => mixer.add(Int16Array.of(1), to), RangeError, "gain: expected 0 to 32, got");
    const from = { previousGain: gain };
    assertThrows(() => mixer.add(Int16Array.of(1), from), RangeError, "previousGain: expected");
  }
  assertEquals(mixer.count, 0);
});
