import { realtimeConformanceTests } from "../../../src/testing/mod.ts";
import { geminiUnderTest } from "./_double.ts";

const parts = { name: "geminiLive", commit: false, update: false, text: false };
for (const { name, ignore, run } of realtimeConformanceTests(geminiUnderTest, parts)) {
  // The protocol has no word for it.
  const cannot = name === "a transcription that fails is final, and has an error";
  Deno.test({ name: `geminiLive: ${name}`, ignore: ignore || cannot, fn: run });
}
