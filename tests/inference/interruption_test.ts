/** Interruptions of an agent that speaks. */
import { assert, assertEquals } from "@std/assert";
import type { MemoryParticipant } from "../../src/testing/memory_participant.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import {
  AgentSpeechEndedEvent,
  BargeInEvent,
  FalseInterruptionEvent,
  OverlappingSpeechEvent,
  TurnEndedEvent,
} from "../../src/inference/contracts/events.ts";
import { Fixture } from "./_fixture.ts";

const STORY = "Once upon a time there was a town. It had three fountains and no walls. The end.";

/** A fixture where the agent has told its story for so long. */
async function telling(
  forMs: number,
  options: Parameters<typeof Fixture.set>[0] = {},
): Promise<Fixture> {
  const fixture = await Fixture.set({ replies: [STORY, "All right."], ...options });
  fixture.agent.generateReply("Tell me a story.");
  await fixture.clock.advance(forMs);
  return fixture;
}

/** Takes note of when an agent is heard. */
function listen(
  fixture: Fixture,
  who: MemoryParticipant = fixture.ann,
): { at: number; peak: number }[] {
  const frames: { at: number; peak: number }[] = [];
  who.onAudio = (samples) => {
    const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    frames.push({ at: fixture.clock.now(), peak });
  };
  return frames;
}

Deno.test("speech over the agent silences it, and what was heard is what is remembered", async () => {
  await using fixture = await telling(1000, { transcripts: ["No, stop it please."] });
  await fixture.hear(800, 3000);
  // 50 ms a character: 1160 ms until it fell silent are 23 characters.
  assertEquals(fixture.conversation, [
    "agent: Tell me a story.",
    "agent: Once upon a time there/",
    "ann: No, stop it please.",
    "agent: All right.",
  ]);
  assertEquals(fixture.told, [
    "user: Tell me a story.",
    "assistant: Once upon a time there",
    "user: No, stop it please.",
  ]);
  const [ended] = fixture.events(AgentSpeechEndedEvent);
  assertEquals([ended?.text, ended?.interrupted], ["Once upon a time there", true]);
});

Deno.test("the agent is silent within 200 ms of the first sound", async () => {
  await using fixture = await telling(1000, { transcripts: ["Stop it."] });
  const frames = listen(fixture);
  const from = fixture.clock.now();
  await fixture.hear(800, 0);
  const last = Math.max(...frames.map(({ at }) => at));
  assert(last - from <= 200, `silent after ${last - from} ms`);
  await fixture.clock.advance(2000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  assertEquals(fixture.events(BargeInEvent)[0]?.silenceMs, 160);
});

Deno.test("words that mean it interrupt as soon as they are understood", async () => {
  await using fixture = await telling(1000, {
    transcripts: [{ text: "Wait a moment", partials: [{ afterMs: 350, text: "wait" }] }],
  });
  fixture.speak(1500);
  await fixture.clock.advance(400);
  assertEquals(fixture.events(BargeInEvent).length, 1);
});

Deno.test("long speech silences the agent until it is understood, and interrupts then", async () => {
  await using fixture = await telling(1000, { transcripts: [{ text: "Well now", delayMs: 500 }] });
  const frames = listen(fixture);
  fixture.utter(3000, 5000);
  await fixture.clock.advance(3680);
  assertEquals(fixture.events(BargeInEvent).length, 0);
  await fixture.clock.advance(60);
  const [{ silenceMs } = {}] = fixture.events(BargeInEvent);
  assertEquals(silenceMs, 160);
  assert(frames.length <= 20, `${frames.length} frames were heard meanwhile`);
});

Deno.test("long speech that is not transcribed in time interrupts, and a short sound does not", async () => {
  for (const [speechMs, interruptions] of [[900, 1], [500, 0]] as const) {
    await using fixture = await telling(1000, { transcripts: [{ text: "Well", delayMs: 5000 }] });
    await fixture.hear(speechMs, 1600);
    assertEquals(fixture.events(BargeInEvent).length, 0);
    await fixture.clock.advance(200);
    assertEquals(fixture.events(BargeInEvent).length, interruptions);
    assertEquals(fixture.events(FalseInterruptionEvent).length, 1 - interruptions);
  }
});

for (
  const [what, text, ms] of [
    ["a cough", "", 300],
    ["a sign of listening", "Mhm, yeah.", 300],
    ["a long noise", "", 1200],
    ["a slow sign of listening", "Mhm, yeah.", 1200],
  ] as const
) {
  Deno.test(`${what} pauses the agent, which then says all that it had to say`, async () => {
    await using fixture = await telling(1000, { transcripts: [text] });
    await fixture.hear(ms, 8000);
    assertEquals(fixture.events(OverlappingSpeechEvent).length, 1);
    assertEquals(fixture.events(FalseInterruptionEvent).length, 1);
    assertEquals(fixture.events(BargeInEvent).length, 0);
    // Every sample was heard, once.
    assert(Math.abs(fixture.ann.heardMs - 50 * spoken(STORY)) <= 30, `${fixture.ann.heardMs} ms`);
    assertEquals(fixture.llm.requests.length, 1);
    assertEquals(fixture.events(AgentSpeechEndedEvent).map(({ text }) => text), [STORY]);
  });
}

/** How many characters of a text are spoken: without the spaces between sentences. */
function spoken(text: string): number {
  return text.length - (text.match(/[.!?] /g)?.length ?? 0);
}

Deno.test("the same word is an answer when the agent has ended", async () => {
  await using fixture = await telling(6000, { transcripts: ["Yeah."] });
  await fixture.hear(400, 2000);
  assertEquals(fixture.told.at(-1), "user: Yeah.");
});

Deno.test("a sign of listening that goes on to be a sentence interrupts", async () => {
  await using fixture = await telling(1000, { transcripts: ["Yeah", "but I know that one."] });
  await fixture.hear(300, 250);
  await fixture.hear(600, 2000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  assertEquals(fixture.told.at(-1), "user: Yeah but I know that one.");
});

Deno.test("a noise without an end does not silence the agent for good", async () => {
  await using fixture = await telling(1000, { transcripts: [""] });
  fixture.speak(30_000);
  await fixture.clock.advance(20_000);
  assertEquals(fixture.events(BargeInEvent).length, 0);
  assertEquals(fixture.events(FalseInterruptionEvent).map(({ pausedMs }) => pausedMs), [9840]);
  assertEquals(fixture.events(AgentSpeechEndedEvent).map(({ text }) => text), [STORY]);
});

Deno.test("when the recogniser is slow the agent goes on, and stops when it knows better", async () => {
  await using fixture = await telling(1000, {
    transcripts: [{ text: "Please stop.", delayMs: 2500 }],
  });
  await fixture.hear(400, 200);
  await fixture.clock.advance(1600);
  assertEquals(fixture.events(FalseInterruptionEvent).length, 1);
  assertEquals(fixture.events(BargeInEvent).length, 0);
  await fixture.clock.advance(2000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  assertEquals(fixture.told.at(-1), "user: Please stop.");
});

Deno.test("an answer that was not heard yet gives way to more speech and is not remembered", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["How old is", "the queen of England?"],
    replies: [{ text: "I beg your pardon?", firstTokenMs: 2000 }, "Hard to tell."],
  });
  await fixture.hear(600, 900);
  assertEquals(fixture.events(TurnEndedEvent).length, 1);
  await fixture.hear(900, 3000);
  assertEquals(fixture.llm.aborted, 1);
  assertEquals(fixture.told, ["user: How old is", "user: the queen of England?"]);
  assertEquals(fixture.tts.sentences, ["Hard to tell."]);
});

Deno.test("an interruption stops the voice and drops what waits to be said", async () => {
  await using fixture = await telling(300, {
    transcripts: ["Enough of that."],
    voice: { speed: 1.2 },
  });
  const later = fixture.agent.say("And another thing.");
  await fixture.hear(800, 2000);
  assertEquals(fixture.tts.aborted.length, 1);
  assertEquals(await later, { text: "", interrupted: true });
});

Deno.test("what is said after an interruption is not cut short by it", async () => {
  await using fixture = await telling(1000, { transcripts: ["Stop it now."] });
  await fixture.hear(800, 300);
  const frames = listen(fixture);
  await fixture.clock.advance(3000);
  assert(Math.abs(frames.length * 10 - 50 * "All right.".length) <= 10, `${frames.length} frames`);
});

Deno.test("its own voice out of a loudspeaker does not interrupt the agent", async () => {
  await using fixture = await Fixture.set({
    replies: [STORY],
    transcripts: ["Tell me a story.", "Once upon", "a time", "there was", "a king"],
  });
  feedBack(fixture, { delayMs: 150, gain: 0.1 });
  await fixture.hear(900, 8000);
  assertEquals(fixture.events(OverlappingSpeechEvent).length, 0);
  assertEquals(fixture.stt.segments.length, 1);
  assertEquals(fixture.llm.requests.length, 1);
  assertEquals(fixture.tts.sentences.length, 3);
});

Deno.test("a person is heard over the agent's own voice out of a loudspeaker", async () => {
  await using fixture = await Fixture.set({
    replies: [STORY, "Fine."],
    transcripts: ["Tell me a story.", "Now stop it."],
  });
  feedBack(fixture, { delayMs: 150, gain: 0.1 });
  await fixture.hear(900, 2000);
  const from = fixture.clock.now();
  await fixture.hear(900, 3000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  const suspectedMs = fixture.when(OverlappingSpeechEvent) - from;
  assert(suspectedMs <= 300, `suspected after ${suspectedMs} ms`);
  assertEquals(fixture.told.at(-1), "user: Now stop it.");
});

/** Lets the agent's voice come back through a second microphone of Ann's. */
function feedBack(fixture: Fixture, path: { delayMs: number; gain: number }): void {
  const { clock, ann } = fixture;
  const said = ann.speak.bind(ann);
  // What the room's clock plays is Ann and the echo together: mixed here, frame by frame.
  const echo: number[] = [];
  ann.onAudio = (samples) => {
    const at = Math.round(clock.now() * 16) + path.delayMs * 16;
    for (let n = 0; n < samples.length; n += 3) echo[at + n / 3] = samples[n]! * path.gain;
  };
  let own = new Int16Array(0);
  let ownFrom = 0;
  ann.speak = (pcm) => {
    const rest = own.subarray(Math.max(0, Math.round(clock.now() * 16) - ownFrom));
    const joined = new Int16Array(rest.length + pcm.samples.length);
    joined.set(rest);
    joined.set(pcm.samples, rest.length);
    [own, ownFrom] = [joined, Math.round(clock.now() * 16)];
    return Promise.resolve();
  };
  const tick = () => {
    const from = Math.round(clock.now() * 16);
    const mixed = new Int16Array(320);
    for (let n = 0; n < 320; n++) mixed[n] = (own[from + n - ownFrom] ?? 0) + (echo[from + n] ?? 0);
    said(new PcmChunk(mixed, { sampleRate: 16_000 }));
    if (clock.now() < 60_000) clock.schedule(tick, 20);
  };
  tick();
}
