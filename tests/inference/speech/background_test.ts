/** Sounds under the agent's voice. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Agent } from "../../../src/agent/agent.ts";
import { rms } from "../../../src/audio/level.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { BargeInEvent } from "../../../src/inference/contracts/events.ts";
import { MemoryEdge } from "../../../src/testing/memory_edge.ts";
import { Fixture, type FixtureOptions } from "../_fixture.ts";

/** Half a second of a level that stays, at a rate that is not the voice's. */
function constant(level: number): PcmChunk {
  return new PcmChunk(new Int16Array(8000).fill(level), { sampleRate: 16_000 });
}

/** A fixture, and the mean of each 10 ms that the agent sends. */
async function withSounds(options: FixtureOptions) {
  const fixture = await Fixture.set(options);
  const means: { at: number; mean: number; level: number }[] = [];
  fixture.edge.onAgentAudio = (samples) => {
    const mean = samples.reduce((sum, one) => sum + one, 0) / samples.length;
    means.push({ at: fixture.clock.now(), mean, level: rms(samples) * 32768 });
  };
  const meanBetween = (from: number, to: number) => {
    const some = means.filter(({ at }) => at > from && at <= to);
    return some.reduce((sum, { mean }) => sum + mean, 0) / Math.max(1, some.length);
  };
  return { fixture, means, meanBetween };
}

Deno.test("a background sound is heard between speeches and under the voice, and nothing else changes", async () => {
  const { fixture, means, meanBetween } = await withSounds({
    agent: { backgroundSound: constant(1000) },
  });
  const { agent, clock } = fixture;
  await clock.advance(2000);
  const now = clock.now();
  assert(Math.abs(meanBetween(now - 1000, now) - 1000) < 20, `${meanBetween(now - 1000, now)}`);
  const text = "One two three four five six seven.";
  const from = clock.now();
  const outcome = await clock.until(agent.say(text));
  assertEquals(outcome, { text, interrupted: false });
  const tookMs = clock.now() - from;
  assert(tookMs >= 50 * text.length && tookMs <= 50 * text.length + 200, `${tookMs} ms`);
  // The tone of the voice has no mean of its own.
  const during = meanBetween(from + 200, from + 50 * text.length - 100);
  assert(Math.abs(during - 1000) < 100, `${during}`);
  assert(means.some(({ level }) => level > 3000), "the voice is heard");
  await fixture[Symbol.asyncDispose]();
  assertEquals(clock.pending, 0);
});

Deno.test("what was heard of an interrupted speech is as without a background sound", async () => {
  const kept: string[] = [];
  for (const backgroundSound of [undefined, constant(500)]) {
    await using fixture = await Fixture.set({ agent: { backgroundSound } });
    await fixture.clock.advance(3000);
    const said = fixture.agent.say("One two three four five six seven eight nine ten.");
    await fixture.clock.advance(1220);
    await fixture.clock.until(fixture.agent.interrupt());
    kept.push((await said).text);
  }
  assert(kept[0]!.startsWith("One two three four"), kept[0]);
  // It begins after what was written ahead of the sound.
  assert(kept[0]!.startsWith(kept[1]!) && kept[1]!.startsWith("One two three"), kept[1]);
});

Deno.test("a background sound comes back slowly after an interruption", async () => {
  const { fixture, meanBetween } = await withSounds({
    agent: { backgroundSound: constant(2000) },
    transcripts: ["Stop that now."],
  });
  const { agent, clock } = fixture;
  await clock.advance(1000);
  agent.say("One two three four five six seven eight nine ten.");
  await clock.advance(1000);
  await clock.until(agent.interrupt());
  const from = clock.now();
  await clock.advance(1500);
  assert(meanBetween(from, from + 100) < 700, "faded");
  const later = meanBetween(from + 900, from + 1500);
  assert(Math.abs(later - 2000) < 60, `${later}`);
  await fixture[Symbol.asyncDispose]();
});

Deno.test("a thinking sound is heard until the agent speaks, and fades under its voice", async () => {
  const { fixture, meanBetween } = await withSounds({
    agent: { thinkingSound: constant(1000) },
    replies: [{ text: "Here it is, after some thinking.", firstTokenMs: 3000 }],
  });
  const { agent, clock } = fixture;
  await clock.advance(1000);
  const from = clock.now();
  assertEquals(meanBetween(0, from), 0);
  const said = agent.generateReply("Think.");
  await clock.advance(3000);
  const thinking = meanBetween(from + 1000, from + 2900);
  assert(Math.abs(thinking - 1000) < 50, `${thinking}`);
  await clock.until(said);
  const to = clock.now();
  const after = meanBetween(to - 600, to - 100);
  assert(Math.abs(after) < 60, `${after}`);
  await clock.advance(1000);
  assertEquals(Math.round(meanBetween(to + 100, to + 1000)), 0);
  await fixture[Symbol.asyncDispose]();
});

Deno.test("people interrupt an agent with a background sound as any other", async () => {
  await using fixture = await Fixture.set({
    agent: { backgroundSound: constant(500), thinkingSound: constant(300) },
    transcripts: ["Stop that now."],
    replies: ["Fine."],
  });
  const { agent, clock } = fixture;
  const said = agent.say("One two three four five six seven eight nine ten.");
  await clock.advance(1000);
  await fixture.hear(900, 4000);
  assertEquals((await said).interrupted, true);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  assertEquals(fixture.conversation.at(-1), "agent: Fine.");
});

Deno.test("hangUp with a background sound ends when the goodbye was heard", async () => {
  await using fixture = await Fixture.set({ agent: { backgroundSound: constant(500) } });
  await fixture.clock.advance(1000);
  const from = fixture.clock.now();
  await fixture.clock.until(fixture.agent.hangUp({ say: "Thank you, and goodbye." }));
  const tookMs = fixture.clock.now() - from;
  assert(tookMs >= 1100 && tookMs < 2000, `${tookMs} ms`);
});

Deno.test("a background sound that is none is refused", () => {
  const edge = new MemoryEdge();
  const made = (backgroundSound: unknown) => () =>
    new Agent({
      edge,
      agentUser: { id: "a", name: "A" },
      backgroundSound: backgroundSound as never,
    });
  assertThrows(made("office.wav"), TypeError, "backgroundSound");
  const none = new PcmChunk(new Int16Array(0), { sampleRate: 16_000 });
  assertThrows(made(none), RangeError, "got one of 0 ms");
});
