import { realtimeConformanceTests } from "../../../src/testing/mod.ts";
import { registerTests } from "../../../src/testing/conformance/models/model_test.ts";
import { geminiUnderTest } from "./_double.ts";

const parts = { name: "geminiLive", commit: "replies" as const, update: false, text: false };
// The protocol has no word for it.
const cannot = "a transcription that fails is final, and has an error";
registerTests(
  "geminiLive",
  realtimeConformanceTests(geminiUnderTest, parts)
    .map((one) => ({ ...one, ignore: one.ignore || one.name === cannot })),
);
