/** The command line of the LiveKit benchmark. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseLiveKitOptions, PARTS } from "../../bench/livekit/options.ts";

Deno.test("bench livekit measures everything by default, over a hundred joins", () => {
  const options = parseLiveKitOptions([]);
  assertEquals(options.parts, [...PARTS]);
  assertEquals(options.joins, 100);
  assertEquals(options.blocksMs, [300, 1000]);
  assertEquals([options.json, options.help], [false, false]);
});

Deno.test("bench livekit --quick measures the same parts, less of each", () => {
  const [quick, full] = [parseLiveKitOptions(["--quick"]), parseLiveKitOptions([])];
  assertEquals(quick.parts, full.parts);
  for (const name of ["connections", "clicks", "flushConnections", "blocks", "joins"] as const) {
    assert(quick[name] < full[name], name);
  }
});

Deno.test("bench livekit takes parts and numbers, and rejects others with what it expects", () => {
  const options = parseLiveKitOptions(["--only", "flush,joins", "--joins=5", "--flushes", "2"]);
  assertEquals(options.parts, ["flush", "joins"]);
  assertEquals([options.joins, options.flushConnections], [5, 2]);
  assertThrows(() => parseLiveKitOptions(["--only", "flushes"]), TypeError, "stall, joins, got");
  assertThrows(() => parseLiveKitOptions(["--stalls", "0"]), TypeError, "whole number from 1");
  assertThrows(() => parseLiveKitOptions(["--fast"]), TypeError);
});
