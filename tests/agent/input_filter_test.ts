import { assertEquals, assertThrows } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { InputFilter } from "../../src/agent/input_filter.ts";
import { Agent } from "../../src/agent/agent.ts";
import { agentUser, join, setUp } from "./_call.ts";

function level(value: number): PcmChunk {
  return new PcmChunk(new Int16Array(320).fill(value), { sampleRate: 16_000 });
}

/** A filter that adds to each sample what the participant is worth, and counts its streams. */
function adding(worth: Record<string, number>) {
  const open = new Set<string>();
  const filter: InputFilter = {
    name: "adding",
    open: ({ participant: { userId }, sampleRate }) => {
      assertEquals(sampleRate, 16_000);
      open.add(userId);
      return {
        process: (samples) => samples.forEach((value, at) => samples[at] = value + worth[userId]!),
        [Symbol.dispose]: () => void open.delete(userId),
      };
    },
  };
  return { filter, open };
}

Deno.test("input filters change each participant's audio before all processors hear it, in order", async () => {
  const first = adding({ anna: 1, bob: 2 });
  const second: InputFilter = {
    name: "doubling",
    open: () => ({
      process: (samples) => samples.forEach((value, at) => samples[at] = 2 * value),
      [Symbol.dispose]() {},
    }),
  };
  const heard: string[] = [];
  const processor = (name: string) => ({
    name,
    processAudio: ({ participant, pcm }: { participant: { id: string }; pcm: PcmChunk }) =>
      void heard.push(`${name} ${participant.id} ${pcm.samples[7]}`),
  });
  const { parties, clock, agent } = await join({
    inputFilters: [first.filter, second],
    processors: [processor("one"), processor("two")],
  }, ["anna", "bob"]);
  const [anna, bob] = parties;
  anna!.send(level(100));
  bob!.send(level(200));
  await clock.advance(100);
  assertEquals(heard.sort(), ["one anna 202", "one bob 404", "two anna 202", "two bob 404"]);
  assertEquals([...first.open].sort(), ["anna", "bob"]);
  bob!.leave();
  await clock.advance(100);
  assertEquals([...first.open], ["anna"]);
  await clock.until(agent.close());
  assertEquals([...first.open], []);
});

const slips: Record<string, InputFilter["open"]> = {
  "throws when it opens": () => {
    throw new Error("no model");
  },
  "returns no stream": () => ({}) as never,
  "throws in the middle": () => ({
    process: (samples) => {
      samples.fill(0, 0, 100);
      throw new Error("no memory");
    },
    [Symbol.dispose]() {},
  }),
  "returns a promise": () => ({
    process: (samples) => Promise.resolve(samples.fill(0)) as never,
    [Symbol.dispose]() {},
  }),
};

for (const [name, open] of Object.entries(slips)) {
  Deno.test(`audio is heard as it came where an input filter ${name}, which is reported`, async () => {
    const heard: number[][] = [];
    const { parties, clock, agent, errors } = await join({
      inputFilters: [{ name: "slipping", open }],
      onAudio: ({ pcm }) => void heard.push([...new Set(pcm.samples)]),
    }, ["anna"]);
    for (let n = 0; n < 10; n++) parties[0]!.send(level(100));
    await clock.advance(1000);
    assertEquals(heard, Array.from({ length: 10 }, () => [100]));
    assertEquals([errors.length > 0, errors.every((one) => one.includes("slipping"))], [
      true,
      true,
    ]);
    await clock.until(agent.close());
  });
}

Deno.test("input filters that are none are refused", async () => {
  const { edge } = await setUp();
  const create = (inputFilters: unknown) => () =>
    new Agent({ edge, agentUser, inputFilters: inputFilters as InputFilter[] });
  assertThrows(create({}), TypeError, "inputFilters: expected an array");
  assertThrows(create([{}]), TypeError, "inputFilters[0]: expected an InputFilter");
});
