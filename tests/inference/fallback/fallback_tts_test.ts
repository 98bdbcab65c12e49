import { assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type {
  Alignment,
  SpeechPart,
  TTS,
  TtsStream,
} from "../../../src/inference/contracts/tts.ts";
import { ttsFromSentences } from "../../../src/inference/contracts/tts_from_sentences.ts";
import { FallbackTTS } from "../../../src/inference/fallback/fallback_tts.ts";
import { FakeTTS, tone, VirtualClock } from "../../../src/testing/mod.ts";

const { signal } = new AbortController();
const outage = new InferenceError("the service is down", { code: "failed", retryable: true });

async function open(clock: VirtualClock, voices: readonly TTS[]) {
  const health: [number, boolean][] = [];
  const tts = new FallbackTTS(voices, { timeoutMs: 1000 });
  const emit = (event: object) => {
    const { index, healthy } = event as { index: number; healthy: boolean };
    health.push([index, healthy]);
  };
  await tts.start({ clock, logger: silentLogger, signal, emit });
  const session = tts.open({ clock, logger: silentLogger });
  const close = async () => {
    await session[Symbol.asyncDispose]();
    await tts.close();
    assertEquals(clock.pending, 0);
  };
  return { tts, session, health, close };
}

/** Reads a stream to its end. */
async function hear(stream: TtsStream) {
  let audioMs = 0;
  const alignment: Alignment[] = [];
  const parts: SpeechPart[] = [];
  const reading = (async () => {
    for await (const part of stream) {
      audioMs += part.pcm?.durationMs ?? 0;
      alignment.push(...part.alignment ?? []);
      parts.push(part);
    }
  })();
  const error = await reading.then(() => undefined, (error) => error);
  return { audioMs, alignment, parts, error };
}

/** Has a session say a text. */
async function say(
  clock: VirtualClock,
  session: { speak(): TtsStream },
  text: string,
): ReturnType<typeof hear> {
  const stream = session.speak();
  stream.sendText(text);
  stream.end();
  return await clock.until(hear(stream), 60_000);
}

const hanging: TTS = ttsFromSentences({
  name: "hanging",
  // deno-lint-ignore require-yield
  async *synthesize(_text, { signal }) {
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  },
});
const mute: TTS = ttsFromSentences({ name: "mute", async *synthesize() {} });
const closed: TTS = {
  name: "closed",
  open() {
    throw outage;
  },
};

Deno.test("FallbackTTS has the next voice speak when one fails or makes no sound in time", async () => {
  const clock = new VirtualClock();
  const failing = new FakeTTS(clock, { failures: { Hello: outage } });
  for (const [first, tookMs] of [[failing, 0], [hanging, 1000], [mute, 0], [closed, 0]] as const) {
    const second = new FakeTTS(clock);
    const { session, health, close } = await open(clock, [first, second]);
    const startMs = clock.now();
    const { audioMs, error } = await say(clock, session, "Hello there.");
    assertEquals([audioMs, error, clock.now() - startMs], [600, undefined, tookMs], first.name);
    assertEquals([second.sentences, health], [["Hello there."], [[0, false]]]);
    // The next text does not wait for it again.
    assertEquals((await say(clock, session, "Again.")).audioMs, 300);
    assertEquals(clock.now() - startMs, tookMs);
    await close();
  }
});

Deno.test("FallbackTTS goes on with the sentence that was not said to its end", async () => {
  const clock = new VirtualClock();
  const first = new FakeTTS(clock, { failures: { Two: outage } });
  const second = new FakeTTS(clock);
  const { session, close } = await open(clock, [first, second]);
  const { audioMs, alignment } = await say(clock, session, "One is one. Two is two. Three.");
  assertEquals(second.sentences, ["Two is two.", "Three."]);
  assertEquals(audioMs, 550 + 550 + 300);
  // What was heard is known through both.
  assertEquals(alignment.filter(({ atMs }) => atMs > 0), [
    { chars: 12, atMs: 550 },
    { chars: 12, atMs: 550 },
    { chars: 24, atMs: 1100 },
    { chars: 30, atMs: 1400 },
  ]);
  await close();
});

Deno.test("FallbackTTS begins a sentence again that broke off in the middle", async () => {
  const clock = new VirtualClock();
  const pcm = tone(500, { sampleRate: 24_000 });
  const breaking = ttsFromSentences({
    name: "breaking",
    async *synthesize(text) {
      yield { pcm };
      if (text.startsWith("Two")) throw outage;
    },
  });
  const second = new FakeTTS(clock);
  const { session, close } = await open(clock, [breaking, second]);
  const { audioMs } = await say(clock, session, "One is one. Two is two. Three.");
  assertEquals(second.sentences, ["Two is two.", "Three."]);
  assertEquals(audioMs, 500 + 500 + 550 + 300);
  await close();
});

Deno.test("FallbackTTS goes by the length of the words where a voice gives no alignment", async () => {
  const clock = new VirtualClock();
  const blind: TTS = {
    name: "blind",
    open: () => ({
      speak: () => ({
        sendText() {},
        flush() {},
        end() {},
        cancel() {},
        async *[Symbol.asyncIterator]() {
          // The first sentence and a bit.
          yield { pcm: tone(900, { sampleRate: 24_000 }) };
          throw outage;
        },
      }),
      async [Symbol.asyncDispose]() {},
    }),
  };
  const second = new FakeTTS(clock);
  const { session, close } = await open(clock, [blind, second]);
  await say(clock, session, "One is one. Two is two. Three.");
  assertEquals(second.sentences, ["Two is two.", "Three."]);
  await close();
});

Deno.test("FallbackTTS takes no alignment for a first sound", async () => {
  const clock = new VirtualClock();
  const talkative = ttsFromSentences({
    name: "talkative",
    async *synthesize(_text, { signal }) {
      yield { alignment: [{ chars: 1, atMs: 0 }] };
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
  });
  const { session, close } = await open(clock, [talkative, new FakeTTS(clock)]);
  const { audioMs } = await say(clock, session, "Hello.");
  assertEquals([audioMs, clock.now()], [300, 1000]);
  await close();
});

Deno.test("FallbackTTS takes no text, or none for a while, for no failure", async () => {
  const clock = new VirtualClock();
  const [first, second] = [new FakeTTS(clock), new FakeTTS(clock)];
  const { session, health, close } = await open(clock, [first, second]);
  // A reply of tool calls only.
  const nothing = session.speak();
  const nothingHeard = hear(nothing);
  await clock.advance(5000);
  nothing.end();
  assertEquals((await clock.until(nothingHeard)).error, undefined);
  // A tool runs between two sentences, which are said once each.
  const stream = session.speak();
  const heard = hear(stream);
  stream.sendText("One moment.\n");
  stream.flush();
  await clock.advance(20_000);
  stream.sendText("It is done.");
  stream.end();
  assertEquals((await clock.until(heard)).audioMs, 550 + 550);
  assertEquals([first.sentences, second.sentences], [["One moment.", "It is done."], []]);
  assertEquals(health, []);
  await close();
});

Deno.test("FallbackTTS replays nothing of what was said before a tool ran", async () => {
  const clock = new VirtualClock();
  const first = new FakeTTS(clock, { failures: { done: outage } });
  const second = new FakeTTS(clock);
  const { session, close } = await open(clock, [first, second]);
  const stream = session.speak();
  const heard = hear(stream);
  stream.sendText("One moment.\n");
  stream.flush();
  await clock.advance(3000);
  stream.sendText("It is ");
  stream.sendText("done. And");
  await clock.advance(0);
  stream.sendText(" more.");
  stream.end();
  await clock.until(heard);
  assertEquals(second.sentences, ["It is done.", "And more."]);
  await close();
});

Deno.test("FallbackTTS says why when no voice speaks, and tries them again later", async () => {
  const clock = new VirtualClock();
  const voices = [1, 2].map((n) =>
    new FakeTTS(clock, { failures: { Hello: new Error(`down ${n}`) } })
  );
  const { session, health, close } = await open(clock, voices);
  const { error } = await say(clock, session, "Hello.");
  assertInstanceOf(error, InferenceError);
  assertEquals(error.message, "no voice speaks: down 1; down 2");
  await clock.advance(2000);
  assertEquals(health, [[0, false], [1, false], [0, true], [1, true]]);
  await close();

  const both = await open(clock, [closed, { ...closed }]);
  const failed = await say(clock, both.session, "Hello.");
  assertInstanceOf(failed.error, InferenceError);
  assertEquals(failed.error.message, "no voice speaks: the service is down; the service is down");
  await both.close();
});

Deno.test("FallbackTTS falls silent when it is cancelled", async () => {
  const clock = new VirtualClock();
  const second = new FakeTTS(clock);
  const { session, health, close } = await open(clock, [hanging, second]);
  const stream = session.speak();
  stream.sendText("Hello. ");
  stream.end();
  const heard = hear(stream);
  await clock.advance(10);
  stream.cancel();
  stream.cancel();
  assertEquals([(await heard).error, (await heard).audioMs], [undefined, 0]);
  await clock.advance(5000);
  assertEquals([second.sentences, health], [[], []]);
  await close();
});

Deno.test("FallbackTTS has each sentence said once, wherever voices fail and text is cut", async () => {
  const text = "One is one. Two is two. Three is three. Four is four. ";
  const words = ["One", "Two", "Three", "Four"];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.subarray(words), { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(text.length), { maxLength: 4 }),
      async (failing, cuts) => {
        const clock = new VirtualClock();
        const voices = [...failing, []].map((list) =>
          new FakeTTS(clock, { failures: Object.fromEntries(list.map((word) => [word, outage])) })
        );
        const { session, close } = await open(clock, voices);
        const stream = session.speak();
        const heard = hear(stream);
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), text.length]) {
          stream.sendText(text.slice(from, cut));
          await clock.advance(1);
          from = cut;
        }
        stream.end();
        const { audioMs, error } = await clock.until(heard);
        const expected = words.map((word) => `${word} is ${word.toLowerCase()}.`.length * 50);
        assertEquals([audioMs, error], [expected.reduce((a, b) => a + b), undefined]);
        await close();
      },
    ),
    { numRuns: 100, seed: 11 },
  );
});
