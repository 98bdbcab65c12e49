import { assertThrows } from "@std/assert";
import {
  fixedEndpointing,
  punctuationEndpointing,
} from "../../../src/inference/contracts/turn_detector.ts";

Deno.test("turn detectors refuse times that are no milliseconds, by name and value", () => {
  const text = "800" as unknown as number;
  assertThrows(
    () => fixedEndpointing(text),
    RangeError,
    'silenceMs: expected a number of milliseconds >= 0, got "800"',
  );
  assertThrows(() => punctuationEndpointing({ completeMs: -1 }), RangeError, "completeMs: ");
  assertThrows(() => punctuationEndpointing({ openMs: NaN }), RangeError, "openMs: ");
});
