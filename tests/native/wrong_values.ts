/** Arrays that are not what they seem, memory with guards around it, and what a call came to. */
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import { assert } from "@std/assert";

const GUARD_BYTES = 64;
const GUARD = 0x5a;

/** Hands out arrays with guards on both sides, and sees what was written. */
export class Memory {
  readonly #areas: { all: Uint8Array; before: Uint8Array; length: number }[] = [];

  /** Bytes with guards around them, as a buffer and where they begin. */
  area(length: number): [ArrayBuffer, number] {
    const all = new Uint8Array(length + 2 * GUARD_BYTES).fill(GUARD);
    all.subarray(GUARD_BYTES, GUARD_BYTES + length).fill(1);
    this.#areas.push({ all, before: all.slice(), length });
    return [all.buffer, GUARD_BYTES];
  }

  int16(length: number): Int16Array {
    return new Int16Array(...this.area(2 * length), length);
  }

  float32(length: number): Float32Array {
    return new Float32Array(...this.area(4 * length), length);
  }

  uint8(length: number): Uint8Array {
    return new Uint8Array(...this.area(length), length);
  }

  /** Remembers what the arrays hold now. */
  keep(): void {
    for (const area of this.#areas) area.before = area.all.slice();
  }

  assertGuards(what: string): void {
    for (const { all, length } of this.#areas) {
      const end = GUARD_BYTES + length;
      const guards = [all.subarray(0, GUARD_BYTES), all.subarray(end)];
      assert(guards.every((guard) => guard.every((byte) => byte === GUARD)), `${what}: guards`);
    }
  }

  assertUntouched(what: string): void {
    for (const { all, before } of this.#areas) {
      assert(all.every((byte, index) => byte === before[index]), `${what}: memory was changed`);
    }
  }
}

/** What is no `Int16Array`, whatever it claims, by how an error names it. */
export const notInt16: [name: string, make: (memory: Memory) => unknown][] = [
  ["a Uint8Array", (memory) => memory.uint8(400)],
  ["a Uint8Array", () => Buffer.alloc(1920)],
  ["a Uint8Array", (memory) => Object.setPrototypeOf(memory.uint8(400), Int16Array.prototype)],
  ["a Uint8ClampedArray", () => new Uint8ClampedArray(1920)],
  ["an Int8Array", () => new Int8Array(1920)],
  ["a Uint16Array", () => new Uint16Array(960)],
  ["an Int32Array", () => new Int32Array(960)],
  ["a Float32Array", (memory) => memory.float32(960)],
  ["a Float64Array", () => new Float64Array(960)],
  ["a BigInt64Array", () => new BigInt64Array(960)],
  ["a DataView", () => new DataView(new ArrayBuffer(1920))],
  ["an ArrayBuffer", () => new ArrayBuffer(1920)],
  ["a SharedArrayBuffer", () => new SharedArrayBuffer(1920)],
  ["an Array", () => new Array(960).fill(0)],
  ["an Object", () => ({ length: 960, byteLength: 1920, buffer: new ArrayBuffer(1920) })],
  ["an Object", () => new Proxy(new Int16Array(960), {})],
  ["an Object", () => Object.create(Int16Array.prototype)],
  ["a function", () => Int16Array],
  ["a string", () => "x".repeat(960)],
  ["a number", () => 960],
  ["null", () => null],
];

class Liar extends Int16Array {
  override get length(): number {
    return 1e6;
  }
  override get buffer(): ArrayBuffer {
    return new ArrayBuffer(2e6);
  }
  override set(): void {
    throw new Error("set");
  }
}

/** The same samples in an `Int16Array` that is unusual, and right. */
export const unusualInt16: [name: string, make: (samples: Int16Array) => Int16Array][] = [
  ["of a subclass that lies about all", (samples) => new Liar(samples)],
  ["with a length of its own", (samples) => {
    return Object.defineProperty(samples.slice(), "length", { value: 1e6 });
  }],
  ["of another realm", (samples) => {
    const foreign: Int16Array = runInNewContext(`new Int16Array(${samples.length})`);
    foreign.set(samples);
    return foreign;
  }],
  ["with another prototype", (samples) => {
    return Object.setPrototypeOf(samples.slice(), Uint8Array.prototype);
  }],
  ["in a shared buffer", (samples) => {
    const shared = new Int16Array(new SharedArrayBuffer(samples.byteLength));
    shared.set(samples);
    return shared;
  }],
  ["in a shared buffer that has grown", (samples) => {
    const { byteLength } = samples;
    const buffer = new SharedArrayBuffer(0, { maxByteLength: byteLength });
    const view = new Int16Array(buffer);
    buffer.grow(byteLength);
    view.set(samples);
    return view;
  }],
  ["in a buffer that has shrunk to it", (samples) => {
    const buffer = new ArrayBuffer(100_000, { maxByteLength: 100_000 });
    const view = new Int16Array(buffer);
    buffer.resize(samples.byteLength);
    view.set(samples);
    return view;
  }],
];

/** An `Int16Array` whose memory is gone. */
export const goneInt16: [name: string, make: () => Int16Array][] = [
  ["detached", () => {
    const samples = new Int16Array(960);
    samples.buffer.transfer();
    return samples;
  }],
  ["of a fixed length, in a buffer that has shrunk", () => {
    const buffer = new ArrayBuffer(2000, { maxByteLength: 2000 });
    const samples = new Int16Array(buffer, 0, 960);
    buffer.resize(1000);
    return samples;
  }],
  ["behind the end of a buffer that has shrunk", () => {
    const buffer = new ArrayBuffer(2000, { maxByteLength: 2000 });
    const samples = new Int16Array(buffer, 1000);
    buffer.resize(10);
    return samples;
  }],
];

/** What is no offset, whatever it claims. */
export const notOffset: unknown[] = [
  ...[-1, 0.5, NaN, Infinity, -Infinity, 1e-300, "0", null, true, 0n, [], {}],
  { valueOf: () => 0 },
];

/** What a call came to: what it returned, or its error's class and message. */
export function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    assert(error instanceof Error, String(error));
    return `${error.constructor.name}: ${error.message}`;
  }
}
