import { assertEquals, assertThrows } from "@std/assert";
import { checkCustomEvent } from "../../src/edge/custom_event.ts";

Deno.test("JSON of 5120 bytes is a custom event, and of 5121 it is not", () => {
  const fits = "x".repeat(5118);
  assertEquals(checkCustomEvent(fits).length, 5120);
  assertThrows(() => checkCustomEvent(fits + "x"), RangeError, "5121 bytes");
});

Deno.test("what counts is UTF-8, not characters", () => {
  assertEquals(checkCustomEvent("é".repeat(2559)).length, 2561);
  assertThrows(() => checkCustomEvent("é".repeat(2560)), RangeError, "5122 bytes");
  assertThrows(() => checkCustomEvent("😀".repeat(1280)), RangeError, "5122 bytes");
});

Deno.test("everything that JSON can say is let through as it is", () => {
  const data = { type: "metric", n: 1.5, no: null, yes: true, list: [1, "two", { three: [] }] };
  assertEquals(JSON.parse(checkCustomEvent(data)), data);
  assertEquals(checkCustomEvent(null), "null");
  assertEquals(checkCustomEvent([]), "[]");
  assertEquals(checkCustomEvent(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
});

Deno.test("what JSON would lose or change is a TypeError that says where it is", () => {
  const cyclic: Record<string, unknown> = { name: "ring" };
  cyclic.deep = [cyclic];
  const cases: [unknown, string][] = [
    [undefined, "data is undefined"],
    [{ a: [1, undefined] }, "data.a[1] is undefined"],
    // deno-lint-ignore no-sparse-arrays
    [[1, , 2], "data[1] is undefined"],
    [{ f: () => 1 }, "data.f is function"],
    [{ n: NaN }, "data.n is NaN"],
    [[Infinity], "data[0] is Infinity"],
    [10n, "data is bigint"],
    [{ s: Symbol("x") }, "data.s is symbol"],
    [{ [Symbol("x")]: 1 }, "a symbol as a name"],
    [new Date(0), "data is a Date"],
    [{ m: new Map() }, "data.m is a Map"],
    [new Uint8Array(2), "data is a Uint8Array"],
    [{ toJSON: () => 1 }, "data is a Object"],
    [cyclic, "data.deep[0] is a cycle"],
  ];
  for (const [data, message] of cases) {
    assertThrows(() => checkCustomEvent(data), TypeError, message);
  }
});

Deno.test("the same object twice is no cycle", () => {
  const shared = { x: 1 };
  assertEquals(checkCustomEvent([shared, shared]), '[{"x":1},{"x":1}]');
});

Deno.test("what is far too large is refused without walking all of it", () => {
  assertThrows(() => checkCustomEvent(new Array(1_000_000).fill(0)), RangeError, "5120");
  let deep: unknown = [];
  for (let n = 0; n < 100_000; n++) deep = [deep];
  assertThrows(() => checkCustomEvent(deep), RangeError, "5120");
  assertThrows(() => checkCustomEvent("x".repeat(10_000_000)), RangeError, "5120");
});
