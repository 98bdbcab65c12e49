/** The figures of a conversation: latency of replies, queues, and their broadcast. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { JsonValue } from "../../src/edge/types.ts";
import type { Component } from "../../src/inference/contracts/component.ts";
import { ConversationMetrics } from "../../src/agent/conversation_metrics.ts";
import { checkCustomEvent } from "../../src/edge/custom_event.ts";
import { EventManager } from "../../src/events/event_manager.ts";
import {
  BargeInEvent,
  conversationEvents,
  ConversationMetricsEvent,
  ReplyLatencyEvent,
} from "../../src/inference/contracts/events.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { Fixture } from "./_fixture.ts";

Deno.test("the parts of voice-to-voice add up, and our own is none in virtual time", async () => {
  await using fixture = await Fixture.set({
    transcripts: [{ text: "Hello?", delayMs: 350 }],
    replies: [{ text: "Hello to you.", firstTokenMs: 280 }],
    voice: { firstByteMs: 120 },
  });
  await fixture.hear(600, 3000);
  const [event] = fixture.events(ReplyLatencyEvent);
  assert(event);
  // The pause takes 200 ms to be one: the transcript is there 150 ms after the turn's silence.
  assertEquals([event.endOfTurnDelayMs, event.transcriptionDelayMs, event.llmMs, event.ttfbMs], [
    400,
    150,
    280,
    120,
  ]);
  const {
    endOfTurnDelayMs,
    transcriptionDelayMs,
    llmMs,
    ttfbMs,
    playoutMs,
    overheadMs,
    voiceToVoiceMs,
  } = event;
  assertEquals(
    endOfTurnDelayMs + transcriptionDelayMs + llmMs + ttfbMs + playoutMs + overheadMs,
    voiceToVoiceMs,
  );
  assert(overheadMs <= 20, `${overheadMs} ms`);
});

Deno.test("figures of the components are told every few seconds", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Hello?"] });
  await fixture.hear(600, 12_000);
  const events = fixture.events(ConversationMetricsEvent);
  assertEquals(events.length, 2);
  assertEquals(events[1]?.figures["fake-llm"], { requests: 1 });
  assertEquals(events[1]?.figures.agent?.messages, 2);
});

Deno.test("the last figures are told when the conversation is over, however short it was", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Hello?"], replies: ["Good day."] });
  const { agent, clock } = fixture;
  await fixture.hear(600, 3000);
  await clock.until(agent.close());
  const [last, ...more] = fixture.events(ConversationMetricsEvent);
  assertEquals(more, []);
  const { sttAudioMs, ttsCharacters } = last!.figures.agent!;
  assertEquals(ttsCharacters, "Good day.".length);
  // The speech, and the moments around it that are sent with it.
  assert(sttAudioMs! >= 600 && sttAudioMs! < 1500, `${sttAudioMs} ms`);
  assertEquals(last!.figures["fake-llm"], { requests: 1 });
});

Deno.test("metrics are broadcast to all participants who want to show them", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Hello?"],
    agent: { broadcastMetrics: { everyMs: 2000 } },
  });
  await fixture.hear(600, 5000);
  const [, second] = fixture.ann.customEvents as Record<string, unknown>[];
  assertEquals(second?.type, "metrics");
  assertEquals(second?.voiceToVoiceMs, 410);
  assertEquals(second?.bargeIns, fixture.events(BargeInEvent).length);
});

Deno.test("nothing is broadcast unless asked for", async () => {
  await using fixture = await Fixture.set();
  await fixture.clock.advance(20_000);
  assertEquals(fixture.ann.customEvents, []);
});

/** Figures of an agent with these components, and the messages that tell them. */
function telling(components: Component[] = [], everyMs = 60_000) {
  const clock = new VirtualClock();
  const events = new EventManager({ clock });
  events.register(...conversationEvents);
  const told: { atMs: number; data: JsonValue; bytes: number }[] = [];
  const errors: unknown[] = [];
  const metrics = new ConversationMetrics({
    events,
    clock,
    components,
    own: () => ({ droppedSlots: 3 }),
    everyMs,
    broadcast: (data) => {
      told.push({ atMs: clock.now(), data, bytes: byteLength(checkCustomEvent(data)) });
      return Promise.resolve();
    },
    report: (error) => void errors.push(error),
  });
  const interrupt = (silenceMs: number) =>
    events.send(new BargeInEvent({ participant: undefined, silenceMs, discardedMs: 0 }));
  return { clock, events, told, errors, metrics, interrupt };
}

Deno.test("an answer and an interruption are told immediately", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Hello?", "Stop it."],
    replies: ["Once upon a time there was a king who had three daughters."],
    agent: { broadcastMetrics: { everyMs: 60_000 } },
  });
  const told = fixture.ann.customEvents as Record<string, unknown>[];
  await fixture.hear(600, 1500);
  const [answer] = fixture.events(ReplyLatencyEvent);
  assert(answer);
  assertEquals(told.length, 1);
  const { type, voiceToVoiceMs, parts, bargeIns, bargeInMs } = told[0]!;
  assertEquals([type, voiceToVoiceMs, bargeIns, bargeInMs], ["metrics", 410, 0, undefined]);
  const { endOfTurnDelayMs, transcriptionDelayMs, llmMs, ttfbMs, playoutMs, overheadMs } = answer;
  assertEquals(parts, {
    endOfTurnDelayMs,
    transcriptionDelayMs,
    llmMs,
    ttfbMs,
    playoutMs,
    overheadMs,
  });
  await fixture.hear(800, 200);
  const [interruption] = fixture.events(BargeInEvent);
  assertEquals([told.at(-1)?.bargeIns, told.at(-1)?.bargeInMs], [1, interruption?.silenceMs]);
});

Deno.test("however much happens, figures are told twice a second and the last are told", async () => {
  const { clock, told, interrupt, metrics } = telling();
  for (let at = 0; at < 100; at++) {
    interrupt(at);
    await clock.advance(20);
  }
  await clock.advance(1000);
  assertEquals(told.map(({ atMs }) => atMs), [0, 500, 1000, 1500, 2000]);
  assertMatch(JSON.stringify(told.at(-1)?.data), /"bargeInMs":99,"bargeIns":100,/);
  interrupt(1);
  metrics[Symbol.dispose]();
  await clock.advance(200_000);
  assertEquals(told.length, 5, "nothing is told after the end");
});

Deno.test("the agent's own figures are told although a component has too many", async () => {
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`counter${at}`, at]));
  const { clock, told, errors, metrics, interrupt } = telling([
    { name: "llm", metrics: () => ({ requests: 2 }) },
    { name: "much", metrics: () => many },
    { name: "stt", metrics: () => ({ requests: 1 }) },
    { name: "more", metrics: () => many },
  ]);
  for (let count = 0; count < 2; count++) {
    interrupt(160);
    await clock.advance(1000);
  }
  assertEquals(told.length, 2);
  assertEquals(told[1]?.data, {
    type: "metrics",
    bargeInMs: 160,
    bargeIns: 2,
    falseInterruptions: 0,
    figures: { agent: { droppedSlots: 3 }, llm: { requests: 2 }, stt: { requests: 1 } },
    omitted: 2,
  });
  assertEquals(errors.map(String), [
    "RangeError: a custom event has no room for the figures of much, more",
  ]);
  metrics[Symbol.dispose]();
});

Deno.test("components are told up to the last byte that a custom event has", async () => {
  let fullest = 0, without = 0;
  for (let length = 4800; length < 5100; length++) {
    const names = ["ü" + "x".repeat(length), "y"];
    const { clock, told, metrics, interrupt } = telling(
      names.map((name) => ({ name, metrics: () => ({ requests: 12 }) })),
    );
    interrupt(160);
    await clock.advance(1000);
    const { figures, omitted = 0 } = told[0]?.data as {
      figures: Record<string, unknown>;
      omitted?: number;
    };
    assertEquals(Object.keys(figures).length + omitted, 3, `a name of ${length}`);
    fullest = Math.max(fullest, told[0]!.bytes);
    without += omitted;
    metrics[Symbol.dispose]();
  }
  // A few are kept to say how many are missing.
  assert(fullest > 5100 && fullest <= 5120, `${fullest} bytes`);
  assert(without > 0);
});

Deno.test("a component that fails to count, and figures that are no numbers, cost no others", async () => {
  const failure = new Error("no counting today");
  const { clock, told, errors, metrics } = telling([
    { name: "mean", metrics: () => ({ meanMs: 0 / 0, peak: Infinity, requests: 1 }) },
    {
      name: "broken",
      metrics: () => {
        throw failure;
      },
    },
    { name: "tts", metrics: () => ({ characters: 12.34 }) },
  ], 5000);
  await clock.advance(5000);
  assertEquals((told[0]?.data as { figures: JsonValue }).figures, {
    agent: { droppedSlots: 3 },
    mean: { requests: 1 },
    tts: { characters: 12.3 },
  });
  assertEquals(new Set(errors), new Set([failure]));
  metrics[Symbol.dispose]();
});

Deno.test("a rhythm that no timer can keep is refused when the agent is made", async () => {
  for (const everyMs of [0, 99, -1, NaN, Infinity, "soon" as unknown as number]) {
    await assertRejects(
      () => Fixture.set({ agent: { broadcastMetrics: { everyMs } } }),
      RangeError,
      "broadcastMetrics.everyMs: expected 100 to 86400000",
    );
  }
});

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
