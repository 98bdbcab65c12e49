import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type { STT, SttEvent } from "../../../src/inference/contracts/stt.ts";
import { sttFromTranscriber } from "../../../src/inference/contracts/transcriber.ts";
import { FallbackSTT } from "../../../src/inference/fallback/fallback_stt.ts";
import { lineNoises } from "../../../bench/lines/sounds.ts";
import { speech, SPEECH_RATE } from "../../fixtures/speech.ts";
import { FakeSTT, type FakeTranscript, VirtualClock } from "../../../src/testing/mod.ts";

const { signal } = new AbortController();
const outage = new InferenceError("the service is down", { code: "failed", retryable: true });
const slot = new PcmChunk(new Int16Array(320).fill(1000), { sampleRate: 16_000 });

const words = (await speech()).filter((_, at) => at % (SPEECH_RATE / 16_000) === 0);

/** A session of a fallback, and its events as text. */
async function open(clock: VirtualClock, recognisers: readonly STT[], continuous = false) {
  const stt = new FallbackSTT(recognisers, { timeoutMs: 1000 });
  await stt.start({ clock, logger: silentLogger, signal });
  const options = { speakerId: "ann", sampleRate: 16_000, clock, logger: silentLogger, continuous };
  const session = stt.open(options);
  const events: string[] = [];
  const reading = (async () => {
    for await (const event of session) events.push(shown(event));
    events.push("over");
  })();
  const speak = (ms: number) => {
    for (let at = 0; at < ms; at += 20) session.sendAudio(slot);
  };
  /** Says the recorded words, from their beginning. */
  const say = (ms: number) => {
    for (let at = 0; at < ms; at += 20) {
      session.sendAudio(new PcmChunk(words.slice(at * 16, (at + 20) * 16), { sampleRate: 16_000 }));
    }
  };
  const close = async () => {
    await clock.until(session[Symbol.asyncDispose]());
    await stt.close();
    await reading;
    assertEquals(clock.pending, 0);
  };
  return { stt, session, events, speak, say, close };
}

function shown(event: SttEvent): string {
  if (event.type === "error") return `error: ${(event.error as Error).message}`;
  return event.type === "transcript" ? `${event.text}${event.final ? "" : "..."}` : event.type;
}

Deno.test("FallbackSTT gives the next recogniser the sound of the turn", async () => {
  const failures: FakeTranscript[] = [{ text: "", error: outage }, { text: "", hangs: true }];
  for (const failure of failures) {
    const clock = new VirtualClock();
    const [first, second] = [new FakeSTT(clock, [failure]), new FakeSTT(clock, ["Hello."])];
    const { stt, session, events, speak, close } = await open(clock, [first!, second!]);
    speak(600);
    session.commit();
    await clock.advance(failure.hangs ? 1000 : 0);
    assertEquals(events, ["Hello.", "committed"]);
    assertEquals(second!.segments, [{ speakerId: "ann", audioMs: 600 }]);
    assertEquals(stt.metrics().takeovers, 1);
    await close();
  }
});

Deno.test("FallbackSTT goes on with the next recogniser when a session is lost in mid-speech", async () => {
  const clock = new VirtualClock();
  const partials = [{ afterMs: 200, text: "Hel" }];
  const [first, second] = [
    new FakeSTT(clock, ["Earlier.", { text: "", partials }]),
    new FakeSTT(clock, [{ text: "Hello there.", partials: [{ afterMs: 400, text: "Hello th" }] }]),
  ];
  const { session, events, speak, close } = await open(clock, [first, second]);
  speak(300);
  session.commit();
  await clock.advance(0);
  speak(300);
  await clock.advance(0);
  first.sessions[0]!.lose(outage);
  await clock.advance(0);
  speak(300);
  session.commit();
  await clock.advance(0);
  assertEquals(events, [
    "Earlier.",
    "committed",
    "Hel...",
    "Hello th...",
    "Hello there.",
    "committed",
  ]);
  // What had its text is not sent again.
  assertEquals(second.segments, [{ speakerId: "ann", audioMs: 600 }]);
  await close();
});

Deno.test("FallbackSTT returns to the first recogniser between turns when it works again", async () => {
  const clock = new VirtualClock();
  const [first, second] = [
    // The silence of the attempt in the background has no text.
    new FakeSTT(clock, [{ text: "", error: outage }, "", "Back."]),
    new FakeSTT(clock, ["Hello."]),
  ];
  const { session, events, speak, close } = await open(clock, [first, second]);
  speak(200);
  session.commit();
  await clock.advance(2000);
  speak(200);
  session.commit();
  await clock.advance(0);
  assertEquals(events, ["Hello.", "committed", "Back.", "committed"]);
  await close();
});

Deno.test("FallbackSTT takes over for a transcriber whose call fails", async () => {
  const clock = new VirtualClock();
  const failing = sttFromTranscriber({
    name: "failing",
    async *transcribe(audio) {
      for await (const _ of audio) yield { text: "Hal", final: false };
      throw outage;
    },
  });
  const second = new FakeSTT(clock, ["Hello."]);
  const { session, events, speak, close } = await open(clock, [failing, second]);
  speak(40);
  session.commit();
  await clock.advance(0);
  assertEquals(events.at(-2), "Hello.");
  assertEquals(events.at(-1), "committed");
  assertEquals(events.filter((one) => one.startsWith("error")), []);
  await close();
});

Deno.test("FallbackSTT tells when no recogniser works, and tries them again", async () => {
  const clock = new VirtualClock();
  const parts = [1, 2].map((n) =>
    new FakeSTT(clock, [{ text: "", error: new Error(`down ${n}`) }, `Back ${n}.`])
  );
  const { session, events, speak, close } = await open(clock, parts);
  speak(200);
  session.commit();
  session.commit();
  await clock.advance(0);
  assertEquals(events.length, 3);
  assertStringIncludes(events[0]!, "error: no recogniser works: down 1; down 2");
  assertEquals(events.slice(1), ["committed", "committed"]);
  await clock.advance(1000);
  speak(200);
  session.commit();
  await clock.advance(0);
  assertEquals(events.slice(3), ["Back 2.", "committed"]);
  session.end();
  await clock.advance(0);
  assertEquals(events.at(-1), "over");
  await close();
});

Deno.test("FallbackSTT survives a recogniser that cannot open a session", async () => {
  const clock = new VirtualClock();
  const [first, second] = [new FakeSTT(clock), new FakeSTT(clock, ["Hello."])];
  first.openErrors.push(new TypeError("a bug"));
  const { session, events, speak, close } = await open(clock, [first, second]);
  speak(100);
  session.commit();
  session.end();
  await clock.advance(0);
  assertEquals(events, ["Hello.", "committed", "over"]);
  await close();
});

Deno.test("FallbackSTT detects turns if all recognisers do, and begins a turn once", async () => {
  const clock = new VirtualClock();
  const detects = { detectsTurns: true };
  assertEquals(
    new FallbackSTT([new FakeSTT(clock, [], detects), new FakeSTT(clock)]).detectsTurns,
    false,
  );
  const [first, second] = [
    new FakeSTT(clock, ["Lost."], detects),
    new FakeSTT(clock, ["Hello."], detects),
  ];
  const { stt, session, events, speak, close } = await open(clock, [first, second], true);
  assert(stt.detectsTurns);
  speak(300);
  await clock.advance(0);
  first.sessions[0]!.lose(outage);
  await clock.advance(0);
  const quiet = new PcmChunk(new Int16Array(320), { sampleRate: 16_000 });
  for (let ms = 0; ms < 600; ms += 20) session.sendAudio(quiet);
  await clock.advance(0);
  assertEquals(events, ["speech-started", "Hello.", "turn-ended"]);
  await close();
});

Deno.test("FallbackSTT notices a recogniser that detects turns and says nothing of what is said", async () => {
  const detects = { detectsTurns: true };
  // One that notices the speech, and one that does not.
  for (const text of ["Lost.", ""]) {
    const clock = new VirtualClock();
    const [first, second] = [
      new FakeSTT(clock, [{ text, hangs: true }], detects),
      new FakeSTT(clock, ["Hello."], detects),
    ];
    const { stt, session, events, say, close } = await open(clock, [first, second], true);
    const quiet = new PcmChunk(new Int16Array(320), { sampleRate: 16_000 });
    const rest = async (ms: number) => {
      for (let at = 0; at < ms; at += 20) {
        session.sendAudio(quiet);
        await clock.advance(20);
      }
    };
    await rest(200);
    say(1000);
    await rest(1000);
    assertEquals(stt.metrics().takeovers, 0);
    await rest(400);
    assertEquals(events, ["speech-started", "Hello.", "turn-ended"]);
    assertEquals(stt.metrics().takeovers, 1);
    await close();
  }
});

Deno.test("FallbackSTT blames no recogniser that is silent about a cough, or about what none has words for", async () => {
  const detects = { detectsTurns: true };
  const clock = new VirtualClock();
  const parts = [new FakeSTT(clock, [], detects), new FakeSTT(clock, [], detects)];
  const { stt, session, events, say, close } = await open(clock, parts, true);
  const quiet = new PcmChunk(new Int16Array(320), { sampleRate: 16_000 });
  const rest = async (ms: number) => {
    for (let at = 0; at < ms; at += 20) {
      session.sendAudio(quiet);
      await clock.advance(20);
    }
  };
  await rest(200);
  say(300);
  await rest(3000);
  assertEquals(stt.metrics().takeovers, 0);
  // Nor about a loud noise.
  const noise = lineNoises.keys(48_000, 16_000, 1);
  for (let at = 0; at < 48_000; at += 320) {
    const samples = Int16Array.from(noise.subarray(at, at + 320), (sample) => sample * 6000);
    session.sendAudio(new PcmChunk(samples, { sampleRate: 16_000 }));
    await clock.advance(20);
  }
  await rest(3000);
  assertEquals(stt.metrics().takeovers, 0);
  // What is like speech is tried with the next one, once.
  say(1000);
  await rest(6000);
  assertEquals(stt.metrics().takeovers, 1);
  assertEquals(events, []);
  await close();
});
