import { assert, assertEquals } from "@std/assert";
import {
  BargeInEvent,
  ConversationMetricsEvent,
  VoiceToVoiceEvent,
} from "../../src/inference/events.ts";
import { Stage } from "./_stage.ts";

Deno.test("the parts of voice-to-voice add up, and our own is none in virtual time", async () => {
  await using stage = await Stage.set({
    transcripts: [{ text: "Hello?", delayMs: 350 }],
    replies: [{ text: "Hello to you.", firstTokenMs: 280 }],
    voice: { firstByteMs: 120 },
  });
  await stage.hear(600, 3000);
  const [event] = stage.events(VoiceToVoiceEvent);
  assert(event);
  // The pause takes 200 ms to be one: the transcript is there 150 ms after the turn's silence.
  assertEquals([event.turnMs, event.sttMs, event.llmMs, event.ttsMs], [400, 150, 280, 120]);
  const { turnMs, sttMs, llmMs, ttsMs, playoutMs, ownMs, voiceToVoiceMs } = event;
  assertEquals(turnMs + sttMs + llmMs + ttsMs + playoutMs + ownMs, voiceToVoiceMs);
  assert(ownMs <= 20, `${ownMs} ms`);
});

Deno.test("figures of the components are told every few seconds", async () => {
  await using stage = await Stage.set({ transcripts: ["Hello?"] });
  await stage.hear(600, 12_000);
  const events = stage.events(ConversationMetricsEvent);
  assertEquals(events.length, 2);
  assertEquals(events[1]?.figures["fake-llm"], { requests: 1 });
  assertEquals(events[1]?.figures.agent?.messages, 2);
});

Deno.test("metrics are broadcast to everybody who wants to show them", async () => {
  await using stage = await Stage.set({
    transcripts: ["Hello?"],
    agent: { broadcastMetrics: { everyMs: 2000 } },
  });
  await stage.hear(600, 5000);
  const [, second] = stage.ann.customEvents as Record<string, unknown>[];
  assertEquals(second?.type, "metrics");
  assertEquals(second?.voiceToVoiceMs, 410);
  assertEquals(second?.bargeIns, stage.events(BargeInEvent).length);
});

Deno.test("nothing is broadcast unless asked for", async () => {
  await using stage = await Stage.set();
  await stage.clock.advance(20_000);
  assertEquals(stage.ann.customEvents, []);
});
