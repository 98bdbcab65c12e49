/** The command line of the call benchmark. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseCallOptions, PARTS } from "../../bench/call/options.ts";

Deno.test("bench call measures everything by default, over at least twelve connections", () => {
  const options = parseCallOptions([]);
  assertEquals(options.parts, [...PARTS]);
  assertEquals(options.connections >= 12, true);
  assertEquals([options.json, options.help], [false, false]);
});

Deno.test("bench call --quick measures the same parts, less of each", () => {
  const quick = parseCallOptions(["--quick", "--json"]);
  assertEquals(quick.parts, [...PARTS]);
  assertEquals(quick.connections < parseCallOptions([]).connections, true);
  assertEquals(quick.json, true);
});

Deno.test("bench call takes parts and numbers", () => {
  const options = parseCallOptions(["--only", "hop,crowd", "--people", "4", "--connections=2"]);
  assertEquals(options.parts, ["hop", "crowd"]);
  assertEquals([options.people, options.connections], [4, 2]);
});

Deno.test("bench call measures the long parts only where they are named", () => {
  const options = parseCallOptions(["--only", "drift,loss", "--minutes", "2"]);
  assertEquals(options.parts, ["drift", "loss"]);
  assertEquals(options.driftMinutes, 2);
});

Deno.test("bench call rejects options that make no sense, with what it expects", () => {
  assertThrows(() => parseCallOptions(["--only", "hops"]), TypeError, 'drift, got "hops"');
  assertThrows(() => parseCallOptions(["--people", "0"]), TypeError, "whole number from 1");
  assertThrows(() => parseCallOptions(["--connections", "2.5"]), TypeError, "whole number");
  assertThrows(() => parseCallOptions(["--fast"]), TypeError);
});
