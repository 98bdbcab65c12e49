import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { PocketSphinx } from "../../examples/lib/pocket_sphinx.ts";
import { hasRecogniser } from "../fixtures/offline_speech.ts";

const GRAMMAR = "#JSGF V1.0; grammar said; public <said> = yes | no;";
const { signal } = new AbortController();

/** What it understands of some chunks. */
async function heard(recogniser: PocketSphinx, ...chunks: unknown[]): Promise<string[]> {
  async function* audio() {
    yield* chunks as PcmChunk[];
  }
  return (await Array.fromAsync(recogniser.transcribe(audio(), { signal }))).map(({ text }) =>
    text
  );
}

Deno.test("the recogniser refuses what is no mono PCM of its rate, and to work unstarted", async () => {
  const recogniser = new PocketSphinx(GRAMMAR);
  const silence = new PcmChunk(new Int16Array(1600), { sampleRate: 16_000 });
  const plain = { samples: new Uint8Array(1600), sampleRate: 16_000, channels: 1 };
  await assertRejects(() => heard(recogniser, plain), TypeError, "expected chunks of PCM");
  const fast = new PcmChunk(new Int16Array(480), { sampleRate: 48_000 });
  await assertRejects(() => heard(recogniser, fast), RangeError, "expected 16000 Hz, got 48000");
  const stereo = new PcmChunk(new Int16Array(480), { sampleRate: 16_000, channels: 2 });
  await assertRejects(() => heard(recogniser, stereo), RangeError, "expected mono, got 2 channels");
  await assertRejects(() => heard(recogniser, silence), TypeError, "expected a started one");
});

Deno.test({
  name: "the recogniser names the permission that it lacks",
  permissions: { ffi: false },
  fn() {
    const recogniser = new PocketSphinx(GRAMMAR);
    assertThrows(() => recogniser.start(), Deno.errors.NotCapable, "--allow-ffi");
  },
});

Deno.test({
  name: "a closed recogniser is an error and never a crash, and closing twice is none",
  ignore: !hasRecogniser(),
  async fn() {
    const recogniser = new PocketSphinx(GRAMMAR);
    recogniser.start();
    const silence = new PcmChunk(new Int16Array(16_000), { sampleRate: 16_000 });
    assertEquals(await heard(recogniser, silence), [""]);
    const late = heard(recogniser, silence);
    await recogniser.close();
    await assertRejects(() => late, TypeError, "expected a started one");
    await assertRejects(() => heard(recogniser, silence), TypeError, "expected a started one");
    await recogniser.close();
  },
});
