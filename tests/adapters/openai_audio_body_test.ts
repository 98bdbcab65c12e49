import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { wavHeader, writeWav } from "../../src/audio/wav.ts";
import { openAICompatible } from "../../src/adapters/openai/mod.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { collect, ServiceDouble, stream } from "./_double.ts";
import { synthesize } from "./_voice.ts";

const { signal } = new AbortController();

/** Returns what a voice makes of a body that comes in pieces of `size` bytes. */
async function heard(body: Uint8Array<ArrayBuffer>, type: string, size = body.length) {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < body.length; at += size) pieces.push(body.slice(at, at + size));
  await using double = await ServiceDouble.start(() => stream(pieces, { type }));
  const tts = openAICompatible({ baseUrl: double.baseUrl }).tts({ model: "t", voice: "v" });
  const samples: number[] = [];
  const formats = new Set<string>();
  const { error } = await collect((async function* () {
    for await (const { pcm } of synthesize(tts, "Hi.", { signal })) {
      samples.push(...pcm.samples);
      formats.add(`${pcm.sampleRate}/${pcm.channels}`);
      yield;
    }
  })());
  return { samples, formats: [...formats], error };
}

const bytes = (...values: (number | string)[]) =>
  Uint8Array.from(
    values.flatMap((one) => typeof one === "number" ? one : [...new TextEncoder().encode(one)]),
  );
/** A file's beginning with noise after it. */
const file = (...magic: (number | string)[]) => bytes(...magic, ..."it would be loud noise");

Deno.test("OpenAI speech plays a WAV file without its header", async () => {
  const samples = Int16Array.from({ length: 300 }, (_, n) => 100 * n - 9000);
  const wav = writeWav(new PcmChunk(samples, { sampleRate: 22_050, channels: 2 }));
  for (const size of [1, 7, 44, 100, wav.length]) {
    for (const type of ["audio/wav", "audio/pcm", "application/octet-stream"]) {
      const result = await heard(wav, type, size);
      assertEquals(result, { samples: [...samples], formats: ["22050/2"], error: undefined });
    }
  }
  // A file that is written as it is sent says nothing of its length; what follows the data is no audio.
  const streamed = new Uint8Array([
    ...wavHeader({ sampleRate: 16_000, channels: 1 }, 0),
    1,
    0,
    2,
    0,
  ]);
  assertEquals((await heard(streamed, "audio/wav")).samples, [1, 2]);
  const followed = new Uint8Array([...wav, ...bytes("LIST", 4, 0, 0, 0, "INFO")]);
  assertEquals((await heard(followed, "audio/wav")).samples, [...samples]);
});

Deno.test("OpenAI speech rejects another kind of file by its name, and plays nothing of it", async () => {
  const files: [body: Uint8Array<ArrayBuffer>, name: string][] = [
    [file("ID3", 4, 0, 0, 0, 0, 0, 0), "MP3"],
    [file(0xff, 0xfb, 0x90, 0x64), "MP3"],
    [file(0xff, 0xf3, 0x84, 0xc4), "MP3"],
    [file("OggS", 0, 2), "Ogg"],
    [file("fLaC", 0, 0), "FLAC"],
    [file(0xff, 0xf1, 0x50, 0x80), "AAC"],
    [file(0, 0, 0, 0x1c, "ftypM4A "), "MP4"],
    [file(0x1a, 0x45, 0xdf, 0xa3), "WebM"],
  ];
  for (const [body, name] of files) {
    for (const size of [1, body.length]) {
      const { samples, error } = await heard(body, "application/octet-stream", size);
      assertEquals(samples, []);
      assertInstanceOf(error, InferenceError);
      assertStringIncludes(error.message, `expected PCM or WAV, got ${name}`);
      assertEquals([error.code, error.retryable], ["malformed", false]);
    }
  }
  for (const type of ["audio/mpeg", "application/json", "text/html"]) {
    const { samples, error } = await heard(bytes(1, 2, 3, 4), type);
    assertEquals(samples, []);
    assertStringIncludes(error!.message, `got ${type}`);
  }
  const cut = await heard(bytes("RIFF", 0, 0, 0, 0, "WAVEfmt "), "audio/wav");
  assertStringIncludes(cut.error!.message, "cut off");
});

Deno.test("OpenAI speech plays PCM whatever it begins with, and however short it is", async () => {
  const quiet = Int16Array.from([-1, -2, -257, 0, 0, 1, 3, 5]);
  for (const size of [1, 3, 16]) {
    const result = await heard(new Uint8Array(quiet.buffer), "application/octet-stream", size);
    assertEquals(result.samples, [...quiet]);
  }
  assertEquals((await heard(bytes(0, 0, 0, 0), "audio/pcm")).samples, [0, 0]);
  // By the service's word it is PCM, though it begins like MP3.
  const loud = bytes(0xff, 0xfb, 0x90, 0x64, ...new Uint8Array(20));
  assertEquals((await heard(loud, "audio/L16; rate=24000")).samples[0], -1025);
  assert((await heard(loud, "audio/pcm;codec=pcm")).error === undefined);
});
