/** Conversations whose recogniser decides where turns end. */
import { assert, assertEquals } from "@std/assert";
import {
  BargeInEvent,
  FalseInterruptionEvent,
  OverlappingSpeechEvent,
  ReplyLatencyEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TurnEndedEvent,
} from "../../src/inference/contracts/events.ts";
import { Fixture, type FixtureOptions } from "./_fixture.ts";

const STORY = "Once upon a time there was a town. It had three fountains and no walls. The end.";

function listening(options: FixtureOptions): Promise<Fixture> {
  return Fixture.set({ detectsTurns: true, ...options });
}

Deno.test('turnDetection "stt" replies where the recogniser ends the turn, without a delay of its own', async () => {
  await using fixture = await listening({
    transcripts: [{ text: "What time?", endsAfterMs: 700 }],
  });
  await fixture.hear(1000, 3000);
  assertEquals(fixture.events(TurnEndedEvent).map(({ reason }) => reason), ["recogniser"]);
  assertEquals(fixture.conversation, ["ann: What time?", "agent: All right."]);
  const [latency] = fixture.events(ReplyLatencyEvent);
  assertEquals([latency?.endOfTurnDelayMs, latency?.transcriptionDelayMs], [700, 0]);
  assertEquals(fixture.errors, []);
});

Deno.test('turnDetection "stt" is the default of a recogniser that detects turns, and gets all audio', async () => {
  await using fixture = await listening({ transcripts: ["Hello?"] });
  await fixture.clock.advance(0);
  fixture.speak(1000, fixture.ann, 0);
  await fixture.hear(600, 2000);
  const [session] = fixture.stt.sessions;
  assertEquals(session?.options.continuous, true);
  assert(Math.abs(session!.audioMs - 2600) <= 40, `${session!.audioMs} ms`);
});

Deno.test('turnDetection "stt" keeps a long pause within a turn that the recogniser does not end', async () => {
  await using fixture = await listening({
    transcripts: [{ text: "I would like a cup of tea.", endsAfterMs: 1500 }],
  });
  await fixture.hear(600, 1200);
  await fixture.hear(600, 3000);
  assertEquals(fixture.told, ["user: I would like a cup of tea."]);
  assertEquals(fixture.events(SpeechStartedEvent).length, 2);
  assertEquals(fixture.events(SpeechStoppedEvent).length, 2);
  assertEquals(fixture.events(TurnEndedEvent).length, 1);
});

Deno.test('preemptiveGeneration with "stt" begins at the eager end and is heard after the end', async () => {
  const times: (number | undefined)[] = [];
  for (const preemptiveGeneration of [false, true]) {
    await using fixture = await listening({
      transcripts: [{ text: "How are you?", eagerAfterMs: 200, endsAfterMs: 600 }],
      replies: [{ text: "Fine, thank you.", firstTokenMs: 300 }],
      agent: { turnHandling: { preemptiveGeneration } },
    });
    await fixture.hear(600, 3000);
    assertEquals(fixture.llm.requests.length, 1);
    const [latency] = fixture.events(ReplyLatencyEvent);
    assertEquals(latency?.preemptive, preemptiveGeneration);
    times.push(latency?.voiceToVoiceMs);
  }
  assertEquals(times, [910, 610]);
});

Deno.test('preemptiveGeneration with "stt" drops the reply when the recogniser resumes the turn', async () => {
  await using fixture = await listening({
    transcripts: [{ text: "How are you all today?", eagerAfterMs: 200, endsAfterMs: 600 }],
    replies: [{ text: "Fine.", firstTokenMs: 5000 }, "We are fine."],
    agent: { turnHandling: { preemptiveGeneration: true } },
  });
  await fixture.hear(600, 400);
  await fixture.hear(600, 3000);
  assertEquals([fixture.llm.requests.length, fixture.llm.aborted], [2, 1]);
  assertEquals(fixture.tts.sentences, ["We are fine."]);
});

Deno.test('turnDetection "stt" pauses at a sound and interrupts only at words that the recogniser began', async () => {
  for (const [text, bargeIns] of [["", 0], ["No, stop it please.", 1]] as const) {
    await using fixture = await listening({
      transcripts: [{ text, partials: [{ afterMs: 400, text }], endsAfterMs: 400 }],
      replies: [STORY, "All right."],
    });
    fixture.agent.generateReply("Tell me a story.");
    await fixture.clock.advance(1000);
    await fixture.hear(1500, 6000);
    assertEquals(fixture.events(OverlappingSpeechEvent).length, 1);
    assertEquals(fixture.events(BargeInEvent).length, bargeIns);
    assertEquals(fixture.events(FalseInterruptionEvent).length, 1 - bargeIns);
    assertEquals(fixture.llm.requests.length, 1 + bargeIns);
  }
});

Deno.test('turnDetection "stt" ends the turn of a participant who mutes or leaves, with all of its text', async () => {
  for (const how of ["mute", "leave"] as const) {
    await using fixture = await listening({
      people: ["ann", "bob"],
      transcripts: [{ text: "Good night.", delayMs: 300 }],
    });
    fixture.speak(5000);
    await fixture.clock.advance(1000);
    fixture.ann[how]();
    await fixture.clock.advance(250);
    assertEquals(fixture.events(TurnEndedEvent), []);
    await fixture.clock.advance(2000);
    assertEquals(fixture.told, [how === "mute" ? "user: Ann: Good night." : "user: Good night."]);
    assertEquals(fixture.stt.sessions[0]?.commits, 1);
    assertEquals(fixture.events(SpeechStoppedEvent).length, 1);
    assertEquals(fixture.stt.sessions[0]?.disposed, how === "leave");
  }
});

Deno.test('turnDetection "stt" ends the turn itself when the recogniser does not', async () => {
  await using fixture = await listening({
    transcripts: [{ text: "Hello?", partials: [{ afterMs: 300, text: "Hello" }], hangs: true }],
    agent: { turnHandling: { vad: { sttTimeoutMs: 2000 } } },
  });
  await fixture.hear(600, 7000);
  assertEquals(fixture.told, ["user: Hello"]);
  assertEquals(fixture.errors.map(({ error }) => (error as Error).name), [
    "TimeoutError",
    "TimeoutError",
  ]);
  await fixture.clock.advance(1000);
});

for (const hasPartials of [true, false]) {
  const how = hasPartials ? "with partial text" : "without partial text";
  Deno.test(`turnDetection "stt" replies although sound goes on: a recogniser ${how}`, async () => {
    const partials = [{ afterMs: 800, text: "What" }, { afterMs: 1400, text: "What time is it?" }];
    await using fixture = await listening({
      transcripts: [
        { text: "What time is it?", partials: hasPartials ? partials : [] },
        ...hasPartials
          ? [{ text: "And the date?", partials: [{ afterMs: 9000, text: "And" }] }]
          : [],
      ],
    });
    // A radio, for which there are no words.
    await fixture.hear(60_000, 2000);
    const turns = fixture.events(TurnEndedEvent).map(({ text, reason }) => [text, reason]);
    assertEquals(turns[0], ["What time is it?", "silence"]);
    const waitedMs = fixture.when(TurnEndedEvent) - 1400;
    assert(waitedMs <= (hasPartials ? 3500 : 12_000), `${waitedMs} ms`);
    assertEquals(turns.slice(1).map(([text]) => text), hasPartials ? ["And the date?"] : []);
    assertEquals(fixture.errors, []);
  });
}

Deno.test('turnDetection "stt" goes on with a long turn of which the recogniser has no partial text', async () => {
  await using fixture = await listening({ transcripts: ["One,", "two,", "three,", "four."] });
  await fixture.hear(20_000, 2000);
  const turns = fixture.events(TurnEndedEvent).map(({ text, reason }) => [text, reason]);
  assertEquals(turns, [["One, two, three, four.", "recogniser"]]);
  assertEquals(fixture.errors, []);
});

Deno.test("a recogniser's session that is lost is reported, and the next one gets the turn's sound", async () => {
  await using fixture = await listening({
    transcripts: ["never said", { text: "What time is it?", endsAfterMs: 500 }],
  });
  fixture.utter(2000, 3000);
  await fixture.clock.advance(1500);
  fixture.stt.sessions[0]!.lose();
  await fixture.clock.advance(3500);
  assertEquals(fixture.errors.map(({ context }) => context), ["fake-stt, transcribing"]);
  assertEquals(fixture.stt.sessions.length, 2);
  assertEquals(fixture.told, ["user: What time is it?"]);
  // All of the turn, with a moment before it.
  const [, second] = fixture.stt.segments;
  assert(second!.audioMs >= 2300 && second!.audioMs <= 2600, `${second!.audioMs} ms`);
});

Deno.test("a turn that the recogniser has ended leaves no time limit behind", async () => {
  await using fixture = await listening({
    transcripts: ["What time?", { text: "" }],
    agent: { onFailure: "One moment, please." },
  });
  await fixture.hear(1000, 15_000);
  await fixture.hear(300, 5000);
  assertEquals(fixture.errors.map(({ context, error }) => `${context}: ${error}`), []);
  assertEquals(fixture.conversation, ["ann: What time?", "agent: All right."]);
});
