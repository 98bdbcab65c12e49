import { assertEquals } from "@std/assert";
import { Mixer, PcmChunk, RingBuffer } from "../../src/audio/mod.ts";
import { oracle, rustKernels } from "./kernels.ts";

/** Counts every typed array and buffer that is made while it lives, views included. */
class AllocationSpy implements Disposable {
  count = 0;
  readonly #restore: (() => void)[] = [];

  constructor() {
    const scope = globalThis as unknown as Record<string, new (...args: unknown[]) => object>;
    const names = ["ArrayBuffer", "Int16Array", "Int32Array", "Float32Array", "Float64Array"];
    for (const name of [...names, "Uint8Array", "Uint32Array"]) {
      const original = scope[name]!;
      scope[name] = new Proxy(original, {
        construct: (target, args, newTarget) => {
          this.count++;
          return Reflect.construct(target, args, newTarget);
        },
      });
      this.#restore.push(() => scope[name] = original);
    }
    const prototype = Object.getPrototypeOf(Int16Array.prototype);
    for (const name of ["subarray", "slice", "map", "filter"]) {
      const original = prototype[name];
      // deno-lint-ignore no-this-alias
      const spy = this;
      prototype[name] = function (...args: unknown[]) {
        spy.count++;
        return original.apply(this, args);
      };
      this.#restore.push(() => prototype[name] = original);
    }
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restore) restore();
  }
}

Deno.test("the spy sees what it is meant to see", () => {
  using spy = new AllocationSpy();
  new Int16Array(4).subarray(1);
  assertEquals(spy.count, 2);
});

Deno.test("nothing is allocated for a chunk on its way through ring and mixer", () => {
  for (const [name, kernel] of [["typescript", oracle] as const, ...rustKernels()]) {
    for (const sampleRate of [16_000, 44_100, 48_000]) {
      for (const channels of [1, 2]) {
        using ring = new RingBuffer({ sampleRate: 16_000, kernel, capacityMs: 100 });
        const mixer = new Mixer(kernel, { frameSamples: 320 });
        const samples = new Int16Array(sampleRate / 100 * channels).fill(9);
        const chunk = new PcmChunk(samples, { sampleRate, channels });
        const work = () => {
          ring.write(chunk);
          for (let slot = ring.read(); slot !== undefined; slot = ring.read()) {
            mixer.add(slot.samples);
            mixer.add(slot.samples, { gain: 0.5, previousGain: 1 });
            mixer.mixMinus();
            mixer.output(0);
            mixer.clear();
          }
        };
        for (let n = 0; n < 4; n++) work();
        using spy = new AllocationSpy();
        for (let n = 0; n < 40; n++) work();
        assertEquals(spy.count, 0, `${name} ${sampleRate} ${channels}`);
      }
    }
  }
});
