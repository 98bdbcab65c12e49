/** The wrapper for voices that synthesise one text at a time. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { sleep } from "../../src/events/waiting.ts";
import type { SpeechPart, TtsStream } from "../../src/inference/contracts/tts.ts";
import {
  type SentenceVoice,
  ttsFromSentences,
} from "../../src/inference/contracts/tts_from_sentences.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const clock = new VirtualClock();

/** 10 ms of sound for each character. */
function sound(text: string): PcmChunk {
  return new PcmChunk(new Int16Array(160 * text.length).fill(9), { sampleRate: 16_000 });
}

function speak(voice: Omit<SentenceVoice, "name">): TtsStream {
  return ttsFromSentences({ name: "voice", ...voice }).open({ clock, logger: silentLogger })
    .speak();
}

async function all(stream: TtsStream): Promise<SpeechPart[]> {
  const parts: SpeechPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

Deno.test("ttsFromSentences has each sentence synthesised, and aligns it in all text and audio", async () => {
  const asked: string[] = [];
  const stream = speak({
    async *synthesize(text) {
      asked.push(text);
      yield { pcm: sound(text), alignment: [{ chars: 4, atMs: 40 }] };
    },
  });
  for (const piece of ["One is", ". ", " \n", "Two ", "is. — ", "Three is"]) stream.sendText(piece);
  stream.end();
  const marks = (await all(stream)).flatMap(({ alignment = [] }) => alignment);
  assertEquals(asked, ["One is.", "Two is.", "— Three is"]);
  assertEquals(marks, [
    { chars: 4, atMs: 40 },
    { chars: 8, atMs: 70 },
    { chars: 14, atMs: 110 },
    { chars: 18, atMs: 140 },
    { chars: 22, atMs: 180 },
    { chars: 28, atMs: 240 },
  ]);
});

Deno.test("ttsFromSentences asks for the next sentence while one plays only where the voice allows it", async () => {
  for (const prefetch of [false, true]) {
    const asked: string[] = [];
    const stream = speak({
      prefetch,
      async *synthesize(text) {
        asked.push(text);
        yield { pcm: sound(text) };
      },
    });
    stream.sendText("One. Two. Three. Four. ");
    stream.end();
    for await (const { pcm } of stream) {
      if (!pcm) continue;
      await clock.advance(10);
      break;
    }
    assertEquals(asked, prefetch ? ["One.", "Two."] : ["One."]);
  }
});

Deno.test("ttsFromSentences speaks the beginning of a sentence at a flush, and leaves it out if incomplete", async () => {
  for (const incomplete of [false, true]) {
    const asked: string[] = [];
    const stream = speak({
      async *synthesize(text) {
        asked.push(text);
        yield { pcm: sound(text) };
      },
    });
    stream.sendText("Let me see");
    stream.flush();
    stream.sendText(" It is. And th");
    stream.end({ incomplete });
    const marks = (await all(stream)).flatMap(({ alignment = [] }) => alignment);
    assertEquals(asked, ["Let me see", "It is.", ...incomplete ? [] : ["And th"]]);
    assertEquals(marks.slice(0, 2), [{ chars: 10, atMs: 100 }, { chars: 18, atMs: 160 }]);
  }
});

Deno.test("ttsFromSentences aborts the voice when it is cancelled, also one that never settles", async () => {
  const reasons: unknown[] = [];
  const stream = speak({
    async *synthesize(text, { signal }) {
      signal.addEventListener("abort", () => void reasons.push(signal.reason));
      yield { pcm: sound(text) };
      await new Promise(() => {});
    },
  });
  stream.sendText("Hello there.");
  stream.end();
  const parts = all(stream);
  await clock.advance(10);
  const reason = new Error("enough");
  stream.cancel(reason);
  stream.cancel();
  assertEquals((await clock.until(parts)).length, 1);
  assertEquals(reasons, [reason]);
});

Deno.test("ttsFromSentences cancels what is spoken when its session is disposed of", async () => {
  const tts = ttsFromSentences({
    name: "voice",
    async *synthesize(text, { signal }) {
      await sleep(1000, { clock, signal });
      yield { pcm: sound(text) };
    },
  });
  const session = tts.open({ clock, logger: silentLogger });
  const stream = session.speak();
  stream.sendText("Hello there.");
  stream.end();
  const parts = all(stream);
  await clock.advance(10);
  await session[Symbol.asyncDispose]();
  assertEquals(await clock.until(parts), []);
  assertEquals(clock.pending, 0);
});

Deno.test("ttsFromSentences fails as the voice does, with what came before", async () => {
  for (const prefetch of [false, true]) {
    const stream = speak({
      prefetch,
      async *synthesize(text) {
        if (text.startsWith("Two")) throw new Error("refused");
        yield { pcm: sound(text) };
      },
    });
    stream.sendText("One. Two. Three.");
    stream.end();
    const texts: number[] = [];
    await assertRejects(
      async () => {
        for await (const { pcm } of stream) if (pcm) texts.push(pcm.durationMs);
      },
      Error,
      "refused",
    );
    assertEquals(texts, [40]);
  }
});

Deno.test("ttsFromSentences tells when it asked for the first sentence", async () => {
  const stream = speak({
    async *synthesize(text) {
      yield { pcm: sound(text) };
    },
  });
  stream.sendText("Once upon a ");
  const parts = all(stream);
  await clock.advance(700);
  assertEquals(stream.requestedMs, undefined);
  stream.sendText("time. ");
  const atMs = clock.now();
  await clock.advance(100);
  assertEquals(stream.requestedMs, atMs);
  stream.end();
  await clock.until(parts);
});

Deno.test("ttsFromSentences expects a voice", () => {
  assertThrows(() => ttsFromSentences({} as SentenceVoice), TypeError, "synthesize");
});
